import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { openShelf } from '../../../images/shelf.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import { openMetrics } from '../../../orchestrator/serve/open-metrics.ts'
import { serve } from '../../../orchestrator/serve/serve.ts'
import { Scope } from '../../../runner/scope.ts'
import { createFakeStart } from '../../fake-start.ts'
import { memoryTokens } from '../http/memory-tokens.ts'
import { keptLog } from '../kept-log.ts'

const anyPort = { host: '127.0.0.1', port: 0 }
const plainHost = () => loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })

/** What a worker answers that is short of something, or is not. */
async function watched(shortage?: string) {
  const scope = new Scope()
  onTestFinished(async () => void (await scope.close()))
  const tokens = memoryTokens()
  const pressure = { why: () => shortage } as Parameters<typeof openMetrics>[0]['pressure']
  const core = { tokens, metrics: createMetrics(), pressure, redis: { status: 'ready' as const } }
  const url = await openMetrics({ ...core, host: await plainHost(), log: keptLog().log }, anyPort, scope)
  const ask = async (path: string, token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await fetch(`${url}${path}`, { headers })
    return { status: answer.status, text: await answer.text() }
  }
  return { ask, tokens }
}

it('gives the metrics of a worker on its own, and whether it takes jobs, and nothing else', async () => {
  const { ask } = await watched()
  expect(await ask('/metrics')).toMatchObject({
    ...{ status: 200, text: expect.stringContaining('mayfly_jobs_running 0') },
  })
  expect(await ask('/healthz')).toMatchObject({ status: 200 })
  expect(await ask('/readyz')).toMatchObject({ status: 200 })
  for (const path of ['/', '/api/v1/builds', '/webhooks/github']) expect((await ask(path)).status).toBe(404)
  const { ask: askShort } = await watched('too little disk')
  expect(await askShort('/readyz')).toMatchObject({
    ...{ status: 503, text: expect.stringContaining('too little disk') },
  })
})

it('wants a token with the scope read for them, once there is any', async () => {
  const { ask, tokens } = await watched()
  const { text: reader } = await tokens.make({ name: 'prometheus', scopes: ['read'] })
  const { text: submitter } = await tokens.make({ name: 'ann', scopes: ['submit'] })
  expect((await ask('/metrics')).status).toBe(401)
  expect((await ask('/metrics', submitter)).status).toBe(403)
  expect((await ask('/metrics', reader)).status).toBe(200)
})

it('is there where the host file of a worker says so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-worker-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  const { log, lines } = keptLog()
  const own = { metricsListen: anyPort, secretsKey: join(folder, 'secrets.key') }
  const server = await serve({
    ...{ role: 'worker', host: { ...(await plainHost()), ...own }, dataFolder: join(folder, 'data') },
    ...{ shelf: openShelf({ dataFolder: folder }), env: { PATH: process.env.PATH }, log },
    startMachine: createFakeStart(),
  })
  onTestFinished(async () => void (await server.stop({ graceMs: 0 })))
  expect(server.url).toBeUndefined()
  const url = /"url":"([^"]+)","msg":"listening"/.exec(lines())?.[1]
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
})
