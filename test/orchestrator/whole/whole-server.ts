import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import type { HostConfig } from '../../../config/host/host-config.ts'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { isAlive } from '../../../images/process-identity.ts'
import { openShelf } from '../../../images/shelf.ts'
import type { GitLimits } from '../../../orchestrator/git/git-parts.ts'
import { isEnded } from '../../../orchestrator/model/build.ts'
import { redisPaths } from '../../../orchestrator/redis/filenames.ts'
import { readRedisRecord } from '../../../orchestrator/redis/redis-record.ts'
import { type Server, serve } from '../../../orchestrator/serve/serve.ts'
import { createFakeMachine } from '../../fake-machine.ts'
import { createFakeStart, type FakeStart, type FakeStartOptions } from '../../fake-start.ts'
import { shelfImage } from '../../shelf-image.ts'
import { type GitFiles, type GitServer, startGitServer } from '../git-server.ts'
import { type StandIn, startStandIn } from '../statuses/stand-in.ts'
import { until } from '../until.ts'
import { type Call, githubCall, type Push, pushOf, secrets } from './github-call.ts'

export type WholeOptions = {
  /** What its machines do. */
  readonly machine?: FakeStartOptions
  readonly gitLimits?: GitLimits
  readonly host?: Partial<HostConfig>
}

/** A server with everything real but QEMU, and the two that it talks to. */
export type Whole = {
  readonly url: string
  readonly data: string
  readonly start: FakeStart
  readonly git: GitServer
  /** The forge's API, which takes the statuses. */
  readonly forge: StandIn
  /** All that it wrote into its log. */
  logged(): string
  /** An answer of the API; a body that is no JSON is its text. */
  api(method: string, path: string, body?: object): Promise<{ status: number; body: Json }>
  /** Makes a repository with a first commit and registers it, with `apiUrl` or the stand-in as its forge's API. */
  repository(name: string, files: GitFiles, apiUrl?: string): Promise<Push>
  /** Calls the webhook; signed as GitHub does unless `call` says otherwise. */
  deliver(push: Push, call?: Partial<Call>): Promise<{ status: number; body: Json }>
  /** The builds of a repository, newest first, each with its jobs. */
  builds(name: string): Promise<ShownBuild[]>
  /** The newest build of a repository once it has its verdict. */
  verdict(name: string, ms?: number): Promise<ShownBuild>
  /** The redis-server that runs now. */
  redisPid(): Promise<number>
  /** Kills the redis-server as the kernel would when memory is short, and returns once it is dead. */
  killRedis(): Promise<void>
  /** Removes all that is in Redis. */
  emptyRedis(): Promise<void>
  /** Ends the server as SIGTERM does. */
  stop(graceMs?: number): Promise<void>
  /** Starts the next process on the same data folder. */
  restart(machine?: FakeStartOptions): Promise<void>
  close(): Promise<void>
}

export type Json = Readonly<Record<string, unknown>>

export type ShownJob = {
  readonly id: string
  readonly name: string
  readonly state: string
  readonly attempt: number
  readonly failure?: string
  readonly reason?: string
}

export type ShownBuild = {
  readonly id: string
  readonly state: string
  readonly problem?: string
  readonly sha: string
  readonly jobs: readonly ShownJob[]
}

/** A pipeline of one job that any host can take. */
export const oneJob = 'resources: { cpus: 1, memory: 256MiB }\nsteps:\n  - name: work\n    run: make\n'

/** `mayfly serve` in this process, on an empty data folder, with its own Redis. */
export async function startWhole(options: WholeOptions = {}): Promise<Whole> {
  const plain = await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-whole-'))
  const [git, forge] = await Promise.all([startGitServer(), startStandIn()])
  const data = join(folder, 'data')
  const env = { PATH: process.env.PATH }
  const host: HostConfig = {
    ...{ ...plain, listen: { host: '127.0.0.1', port: 0 }, secretsKey: join(folder, 'secrets.key') },
    ...options.host,
  }
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const image = async (name: string) => shelfImage(name)
  const shelf = { ...openShelf({ dataFolder: data }), ensure: image, resolve: image }
  const record = redisPaths({ dataFolder: data, env, uid: userInfo().uid }).record
  const { gitLimits } = options

  let start = createFakeStart(options.machine)
  const startServer = () =>
    serve({
      ...{ role: 'all', host, dataFolder: data, shelf, env, log, startMachine: start },
      resumeParked: async ({ manifest }) => createFakeMachine({ ...options.machine, id: manifest.id }),
      ...(gitLimits === undefined ? {} : { gitLimits }),
    })
  const clear = async () => {
    await Promise.all([git.close(), forge.stop()])
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  let server: Server | undefined = await startServer().catch(async (error: unknown) => {
    await clear()
    throw error
  })
  const url = () => server?.url ?? 'http://stopped.invalid'
  const stop = async (graceMs = 0) => {
    await server?.stop({ graceMs })
    server = undefined
  }
  const redisProcess = async () => {
    const found = await readRedisRecord(record)
    if (found === undefined) throw new Error(`expected a record of redis-server in ${record}, found none`)
    return found
  }
  const api: Whole['api'] = async (method, path, body) => {
    const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    const response = await fetch(`${url()}/api/v1${path}`, { method, ...(body === undefined ? {} : json) })
    return { status: response.status, body: asJson(await response.text()) }
  }
  const builds: Whole['builds'] = async (name) => {
    const listed = await api('GET', `/builds?repository=${encodeURIComponent(`github:${name}`)}`)
    const items = (listed.body.items ?? []) as { id: string }[]
    const shown = await Promise.all(items.map(({ id }) => api('GET', `/builds/${id}`)))
    return shown.map(({ body }) => body as unknown as ShownBuild)
  }

  return {
    get url() {
      return url()
    },
    get start() {
      return start
    },
    data,
    git,
    forge,
    api,
    builds,
    stop,
    logged: () => lines.join(''),
    async repository(name, files, apiUrl = forge.url) {
      const { cloneUrl, sha } = await git.createRepository(name, files)
      const asked = { forge: 'github', name, cloneUrl, apiUrl, secrets }
      const { status, body } = await api('POST', '/repositories', asked)
      if (status !== 201) throw new Error(`${name} was not registered: ${JSON.stringify(body)}`)
      return { name, cloneUrl, sha }
    },
    async deliver(push, call = {}) {
      const { path, ...init } = githubCall({ body: JSON.stringify(pushOf(push)), ...call })
      const response = await fetch(`${url()}${path}`, init)
      return { status: response.status, body: asJson(await response.text()) }
    },
    async verdict(name, ms = 25_000) {
      let newest: ShownBuild | undefined
      const hasEnded = async () => {
        // A server that is short of its Redis answers with an error for a while.
        newest = (await builds(name).catch(() => []))[0]
        return newest?.state !== undefined && isEnded(newest.state as 'passed')
      }
      await until(`a build of ${name} with its verdict`, hasEnded, ms)
      return newest as unknown as ShownBuild
    },
    redisPid: async () => (await redisProcess()).pid,
    async killRedis() {
      const found = await redisProcess()
      process.kill(found.pid, 'SIGKILL')
      await until('redis-server is dead', () => !isAlive(found))
    },
    async emptyRedis() {
      const redis = new Redis({ path: (await redisProcess()).socket })
      await redis.flushall()
      redis.disconnect()
    },
    async restart(machine) {
      await stop()
      if (machine !== undefined) start = createFakeStart(machine)
      server = await startServer()
    },
    async close() {
      await stop()
      await clear()
    },
  }
}

function asJson(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return { text }
  }
}
