import { expect, it } from 'vitest'
import type { HttpParts } from '../../../orchestrator/http/http-parts.ts'
import { httpWorld, publicUrl } from './http-world.ts'

const shown = { host: 'rack-2', cordon: undefined, processes: [] }

async function aWorld() {
  const asked: unknown[] = []
  const note =
    (verb: string) =>
    async (...args: unknown[]) => {
      asked.push([verb, ...args])
      return shown
    }
  const fleet = {
    ...{ show: note('show'), cordon: note('cordon'), uncordon: note('uncordon'), drain: note('drain') },
    remove: async (...args: unknown[]) => {
      asked.push(['remove', ...args])
      return { removed: [], jobs: [] }
    },
  } as HttpParts['fleet']
  const { ask } = await httpWorld({ fleet })
  const send = async (method: string, path: string, scope: 'submit' | 'admin', body?: unknown) => {
    const json = body === undefined ? {} : { body: JSON.stringify(body) }
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const headers = { ...type, origin: publicUrl }
    return (await ask(path, { method, scopes: [scope], headers, ...json })).status
  }
  return { asked, ask, send }
}

it('only admins say what hosts are to do, and the word is noted as theirs', async () => {
  const { asked, send } = await aWorld()
  const calls = [
    ['POST', '/api/v1/hosts/rack-2/cordon', { why: 'a new disk' }],
    ['POST', '/api/v1/hosts/rack-2/uncordon', {}],
    ['POST', '/api/v1/hosts/rack-2/drain', { ms: 1000 }],
    ['DELETE', '/api/v1/hosts/rack-2', undefined],
    ['POST', '/hosts/rack-2/drain', undefined],
    ['POST', '/hosts/rack-2/remove', undefined],
  ] as const
  for (const [method, path, body] of calls) expect(await send(method, path, 'submit', body)).toBe(403)
  expect(asked).toEqual([])
  const answers = []
  for (const [method, path, body] of calls) answers.push(await send(method, path, 'admin', body))
  expect(answers).toEqual([200, 200, 200, 200, 302, 302])
  expect(asked).toEqual([
    ['cordon', 'rack-2', { by: 'admin', why: 'a new disk' }],
    ['uncordon', 'rack-2', { by: 'admin' }],
    ['drain', 'rack-2', { by: 'admin', why: undefined, ms: 1000 }],
    ['remove', 'rack-2', { by: 'admin' }],
    ['drain', 'rack-2', { by: 'admin' }],
    ['remove', 'rack-2', { by: 'admin' }],
  ])
})

it('a word of several lines, or a time that is none, is refused', async () => {
  const { send } = await aWorld()
  expect(await send('POST', '/api/v1/hosts/a/cordon', 'admin', { why: 'a\nb' })).toBe(400)
  expect(await send('POST', '/api/v1/hosts/a/drain', 'admin', { ms: -1 })).toBe(400)
})
