import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type Server as NetServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InfraError } from '../../../../config/errors.ts'
import { loadHostConfig } from '../../../../config/host/load-host-config.ts'
import type { ImageProgress } from '../../../../images/image-progress.ts'
import { packageRoot } from '../../../../images/package-root.ts'
import { isAlive } from '../../../../images/process-identity.ts'
import { openShelf } from '../../../../images/shelf.ts'
import { openServer } from '../../../../orchestrator/command/quickstart/open-server.ts'
import { quickstart } from '../../../../orchestrator/command/quickstart/quickstart.ts'
import { redisPaths } from '../../../../orchestrator/redis/filenames.ts'
import { readRedisRecord } from '../../../../orchestrator/redis/redis-record.ts'
import { readServerRecord } from '../../../../orchestrator/serve/server-record.ts'
import { Cancelled } from '../../../../runner/job/outcome.ts'
import { untilAborted } from '../../../../runner/until-aborted.ts'
import { createFakeStart, type FakeStartOptions } from '../../../fake-start.ts'
import { shelfImage } from '../../../shelf-image.ts'
import { until } from '../../until.ts'

const directory = join(packageRoot(), 'config', 'examples')
const file = join(directory, 'hello.yml')

type Setting = {
  machine?: FakeStartOptions
  port?: number
  ensure?: (name: string, told: (progress: ImageProgress) => void, signal: AbortSignal) => Promise<void>
}

/** A computer on which Mayfly was never started, with machines that are none. */
async function aComputer({ machine, port = 0, ensure = async () => undefined }: Setting = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-quick-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  const dataFolder = join(folder, 'data')
  const env = { PATH: process.env.PATH }
  const plain = await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })
  const listen = { host: '127.0.0.1', port }
  const host = { ...plain, listen, secretsKey: join(folder, 'secrets.key') }
  const startMachine = createFakeStart(machine)
  const shelf: ReturnType<typeof openShelf> = {
    ...openShelf({ dataFolder }),
    ensure: async (name, { onProgress = () => undefined, signal }) => {
      await ensure(name, onProgress, signal)
      return shelfImage(name)
    },
  }
  const log = pino({ level: 'silent' })
  const stop = new AbortController()
  const out = new PassThrough()
  let shown = ''
  out.on('data', (chunk: Buffer) => {
    shown += chunk.toString()
  })
  const parts = { host, dataFolder, shelf, env, log, startMachine }
  return {
    ...parts,
    parts,
    stop,
    shown: () => shown,
    run: () =>
      quickstart({
        ...parts,
        ...{ file, directory, named: dataFolder, signal: stop.signal },
        out: out as unknown as NodeJS.WriteStream,
      }),
    redis: () => readRedisRecord(redisPaths({ dataFolder, env, uid: userInfo().uid }).record),
  }
}

type Computer = Awaited<ReturnType<typeof aComputer>>

async function expectNothingRuns(computer: Computer): Promise<void> {
  const redis = await computer.redis()
  expect(redis === undefined || !isAlive(redis)).toBe(true)
  expect(await readServerRecord(computer.dataFolder)).toBeUndefined()
  for (const machine of computer.startMachine.machines) expect(machine.destroyed.length).toBeGreaterThan(0)
  const checkouts = await readdir(join(computer.dataFolder, 'checkouts')).catch(() => [])
  expect(checkouts).toEqual([])
}

const hello: FakeStartOptions = { steps: () => ({ prints: ['Hello from nowhere.\n'] }) }

describe('mayfly quickstart', () => {
  it('goes the whole way from an empty folder: image, server, submission, machine, verdict; and nothing runs on', async () => {
    const ensure: Setting['ensure'] = async (_name, told) =>
      told({ phase: 'build', line: 'unpacking base-files' })
    const computer = await aComputer({ machine: hello, ensure })
    expect(await computer.run()).toBe(0)
    const shown = computer.shown()
    for (const part of [
      /image: unpacking base-files\n/,
      /· image .*debian-12-local\n/,
      /· server .*http:\/\/127\.0\.0\.1:\d+\n/,
      /· submitted .*local:local\/examples, build \w{26}\n/,
      /Hello from nowhere\.\n/,
      /✔ passed in .*\n {2}its page: http:\/\/127\.0\.0\.1:\d+\/builds\/\w{26}\n/,
      /Try next:\n/,
    ])
      expect(shown).toMatch(part)
    expect(shown).toContain(`npx mayfly serve --data ${computer.dataFolder}\n`)
    expect(shown.indexOf('ending the server')).toBeLessThan(shown.indexOf('Try next'))
    const uploaded = computer.startMachine.machines[0]?.uploads[0]?.map(({ name }) => name)
    expect(uploaded).toEqual(expect.arrayContaining(['hello.yml', 'whole-machine.yml']))
    await expectNothingRuns(computer)
  })

  it('ends with 1 where a step says no, with the reason and no word of what to try next', async () => {
    const computer = await aComputer({ machine: { steps: () => ({ exits: 3 }) } })
    expect(await computer.run()).toBe(1)
    expect(computer.shown()).toMatch(/✘ failed in .*\n {2}main: .*greet/)
    expect(computer.shown()).not.toContain('Try next')
    await expectNothingRuns(computer)
  })

  it('takes a free port where somebody else has the usual one', async () => {
    const taken = await listening()
    const computer = await aComputer({ machine: hello, port: taken.port })
    expect(await computer.run()).toBe(0)
    expect(computer.shown()).not.toContain(`127.0.0.1:${taken.port}\n`)
    expect(taken.server.listening).toBe(true)
    await expectNothingRuns(computer)
  })

  it('uses the server that runs on this data folder, and leaves it running', async () => {
    const computer = await aComputer({ machine: hello })
    const server = await openServer(computer.parts)
    try {
      expect(await computer.run()).toBe(0)
      expect(computer.shown()).toContain(`${server.url}, which runs already`)
      expect(computer.shown()).toContain(`npx mayfly builds --server ${server.url}\n`)
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    } finally {
      await server.close()
    }
    await expectNothingRuns(computer)
  })

  it('cancels its build when it is interrupted, destroys the machine and ends the server', async () => {
    const computer = await aComputer({ machine: { steps: () => ({ prints: ['begun\n'], instead: 'hang' }) } })
    const running = computer.run()
    await until('the step runs', () => computer.shown().includes('begun'), 25_000)
    computer.stop.abort(new Cancelled('interrupted (Ctrl-C)'))
    expect(await running).toBe(130)
    expect(computer.shown()).toContain('interrupted: nothing runs on')
    await expectNothingRuns(computer)
    // Cancelled and not put back: the next start has nothing to take up.
    const next = await openServer(computer.parts)
    const page = (await (await fetch(`${next.url}/api/v1/builds`)).json()) as { items: { state: string }[] }
    await next.close()
    expect(page.items.map(({ state }) => state)).toEqual(['cancelled'])
  })

  it('starts no server when it is interrupted while the image is got, or when that fails', async () => {
    const ensure: Setting['ensure'] = (_name, _told, signal) =>
      untilAborted(new Promise<never>(() => undefined), signal)
    const computer = await aComputer({ ensure })
    const running = computer.run()
    computer.stop.abort(new Cancelled('interrupted (Ctrl-C)'))
    expect(await running).toBe(130)
    const broken = await aComputer({ ensure: () => Promise.reject(new InfraError('image', 'no space left')) })
    await expect(broken.run()).rejects.toThrow('no space left')
    for (const each of [computer, broken]) {
      expect(each.shown()).not.toContain('· server')
      await expectNothingRuns(each)
    }
  })
})

async function listening(): Promise<{ server: NetServer; port: number }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 }
}
