import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, it, onTestFinished } from 'vitest'
import { isEnded } from '../../../orchestrator/model/build.ts'
import { startGitServer } from '../git-server.ts'
import { startStandIn } from '../statuses/stand-in.ts'
import { until } from '../until.ts'
import { githubCall, pushOf, secrets } from './github-call.ts'
import { oneJob, type ShownBuild } from './whole-server.ts'

const child = fileURLToPath(new URL('served-child.ts', import.meta.url))

it('SIGTERM puts a running job back within its bound, and the next process runs it once', {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-stop-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  const [git, forge] = await Promise.all([startGitServer(), startStandIn()])
  onTestFinished(async () => void (await Promise.all([git.close(), forge.stop()])))
  const pushes = await Promise.all(
    ['octo/first', 'octo/second'].map(async (name) => ({
      name,
      ...(await git.createRepository(name, { '.mayfly.yml': oneJob })),
    })),
  )
  const [first, second] = pushes
  if (first === undefined || second === undefined) throw new Error('expected two pushes')

  const hanging = await startChild(folder, 'hang')
  for (const { name, cloneUrl } of pushes) {
    await hanging.send('POST', '/api/v1/repositories', {
      forge: 'github',
      name,
      cloneUrl,
      apiUrl: forge.url,
      secrets,
    })
  }
  expect((await hanging.deliver(first)).status).toBe(202)
  await until(
    'the first job runs',
    async () => (await hanging.build(first.name))?.state === 'running',
    30_000,
  )
  const told = performance.now()
  hanging.process.kill('SIGTERM')
  await until('it says that it stops', () => hanging.output().includes('stopping'))
  // It still listens while the job has its time, and takes no job any more.
  const during = await hanging.deliver(second)
  expect([202, 503]).toContain(during.status)
  expect((await hanging.process).exitCode).toBe(0)
  expect(performance.now() - told).toBeLessThan(30_000)
  expect(performance.now() - told).toBeGreaterThan(1900)

  const next = await startChild(folder, 'pass')
  if (during.status === 503) expect((await next.deliver(second)).status).toBe(202)
  for (const { name } of pushes) {
    await until(
      `${name} comes to its verdict`,
      async () => isEnded(((await next.build(name))?.state ?? 'queued') as 'queued'),
      60_000,
    )
    const build = await next.build(name)
    expect(build).toMatchObject({ state: 'passed', jobs: [{ state: 'passed', attempt: 1 }] })
    const log = await (await fetch(`${next.url}/api/v1/jobs/${build?.jobs[0]?.id}/log`)).text()
    expect(log.match(/made it/g)).toHaveLength(1)
  }
  next.process.kill('SIGTERM')
  expect((await next.process).exitCode).toBe(0)
})

async function startChild(folder: string, step: 'hang' | 'pass') {
  const started = execa(process.execPath, ['--import', 'tsx', child, folder, step], {
    stdin: 'ignore',
    reject: false,
    all: true,
    buffer: false,
  })
  onTestFinished(() => void started.kill('SIGKILL'))
  let output = ''
  started.all.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const url = () => /mayfly is ready: (http\S+)/.exec(output)?.[1]
  await until(
    'the server is ready',
    () => {
      if (started.exitCode !== null) throw new Error(`the server ended: ${output}`)
      return url() !== undefined
    },
    60_000,
  )
  const send = async (method: string, path: string, body?: object) => {
    const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    const response = await fetch(`${url()}${path}`, { method, ...(body === undefined ? {} : json) })
    return (await response.json()) as Record<string, unknown>
  }
  return {
    ...{ url: url() ?? '', process: started, output: () => output, send },
    async deliver(push: Parameters<typeof pushOf>[0]) {
      const { path, ...init } = githubCall({ body: JSON.stringify(pushOf(push)) })
      return await fetch(`${url()}${path}`, init)
    },
    async build(name: string): Promise<ShownBuild | undefined> {
      const { items } = await send('GET', `/api/v1/builds?repository=${encodeURIComponent(`github:${name}`)}`)
      const [newest] = items as { id: string }[]
      return newest && ((await send('GET', `/api/v1/builds/${newest.id}`)) as unknown as ShownBuild)
    },
  }
}
