import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { packageRoot } from '../../../images/package-root.ts'
import { startWhole, type Whole } from '../whole/whole-server.ts'

let whole: Whole

beforeAll(async () => {
  whole = await startWhole()
})
afterAll(() => whole?.close())

const key = 'gitea:ann/tool'
const notify = async () => {
  const { body } = await whole.api('GET', '/repositories')
  const items = body.items as { name: string; notify?: unknown }[]
  return items.find(({ name }) => name === 'ann/tool')?.notify
}
const repos = async (...words: string[]) => {
  const main = join(packageRoot(), 'orchestrator', 'command', 'main.ts')
  const args = ['--import', 'tsx', main, 'repos', ...words, '--server', whole.url]
  const options = { all: true, reject: false, stdin: 'ignore', env: { MAYFLY_TOKEN: '' } } as const
  const { exitCode, all } = await execa(process.execPath, args, options)
  return { code: exitCode, output: all }
}

it('mayfly repos add and set name URLs to notify, and say the secret that was made once', async () => {
  const clone = ['--clone-url', 'https://forge.invalid/ann/tool.git']
  const added = await repos('add', key, ...clone, '--notify', 'https://a.invalid/hook')
  expect(added.output).toMatch(/signs its notifications, shown this once: whsec_\S{44}/)
  expect(await notify()).toEqual([{ url: 'https://a.invalid/hook', on: ['ended'] }])
  const both = ['--notify', 'failed,errored=https://b.invalid/?x=y', '--notify', 'https://c.invalid/']
  const set = await repos('set', key, ...both)
  expect(set.output).toContain(`${key} is changed`)
  expect(set.output).not.toContain('whsec_')
  expect(await notify()).toEqual([
    { url: 'https://b.invalid/?x=y', on: ['failed', 'errored'] },
    { url: 'https://c.invalid/', on: ['ended'] },
  ])
  expect((await repos('set', key, '--no-notify')).code).toBe(0)
  expect(await notify()).toEqual([])
  const wrong = await repos('set', key, '--notify', 'finished=https://b.invalid/')
  expect([wrong.code, wrong.output]).toEqual([2, expect.stringContaining('expected one of started')])
}, 60_000)
