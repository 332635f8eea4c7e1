import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { onTestFinished } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { openShelf } from '../../../images/shelf.ts'
import { createArchive } from '../../../orchestrator/archive/archive.ts'
import type { BusMessage } from '../../../orchestrator/bus/bus.ts'
import type { OptIn, OptIns } from '../../../orchestrator/holds/opt-ins.ts'
import { createApp } from '../../../orchestrator/http/app.ts'
import type { HttpEnv } from '../../../orchestrator/http/auth.ts'
import type { HttpParts } from '../../../orchestrator/http/http-parts.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import type { Build, BuildJob } from '../../../orchestrator/model/build.ts'
import { createPages } from '../../../orchestrator/pages/pages.tsx'
import { createRepositories } from '../../../orchestrator/repositories/create-repositories.ts'
import type { Vault } from '../../../orchestrator/secrets/vault.ts'
import { createBrowserShells } from '../../../orchestrator/terminal/browser-shells.ts'
import type { TokenScope, Tokens } from '../../../orchestrator/tokens/token.ts'
import { jobFolderPath } from '../../../runner/job/filenames.ts'
import { LogFile } from '../../../runner/logs/log-file.ts'
import { aRepository } from '../a-repository.ts'
import { buildWorld } from '../builds/build-world.ts'
import { keptLog } from '../kept-log.ts'
import { aBuild, aJob } from '../store/records.ts'
import { memoryBus } from './memory-bus.ts'
import { memoryTokens } from './memory-tokens.ts'

export type HttpWorld = {
  readonly app: Hono<HttpEnv>
  readonly parts: HttpParts
  /** Where jobs' folders are. */
  readonly archiveFolder: string
  readonly tokens: Tokens
  readonly said: readonly BusMessage[]
  readonly logged: () => string
  readonly setNow: (ms: number) => void
  /** Asks with a token of these scopes; with none where there are none. */
  ask(path: string, init?: RequestInit & { scopes?: readonly TokenScope[] }): Promise<Response>
  /** A build with one job whose folder is there. */
  addJob(
    change?: Partial<BuildJob>,
    build?: Partial<Build> & { branch?: string },
  ): Promise<{ build: Build; job: BuildJob; folder: string }>
  /** A log that is being written. */
  openLog(folder: string, name?: 'log' | 'console'): Promise<LogFile>
}

export const publicUrl = 'http://127.0.0.1:8470'

/** A server without its sockets: real folders, routes and pages, with store, tokens and vault in memory. */
export async function httpWorld(change: Partial<HttpParts> = {}): Promise<HttpWorld> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'mayfly-http-'))
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }))
  const world = await buildWorld({ file: 'jobs:\n  main:\n    steps:\n      - run: "true"\n' })
  const { store } = world
  const { log, lines } = keptLog()
  const { bus, said } = memoryBus()
  const tokens = memoryTokens()
  const vault = memoryVault()
  let time = Date.parse('2026-01-02T03:04:05.000Z')
  const now = () => new Date(time)
  const usual: HttpParts = {
    archive: createArchive({ folder: dataFolder }),
    publicUrl,
    store,
    builds: world.builds,
    bus,
    tokens,
    vault,
    repositories: createRepositories({ store, vault, host: world.parts.host, now }),
    shelf: openShelf({ dataFolder }),
    queue: { waiting: async () => [], hosts: async () => [] },
    metrics: createMetrics(),
    deliveries: {
      receive: async ({ rawBody }) => ({ status: 202, body: { verdict: 'accepted', size: rawBody.length } }),
      replay: async () => undefined,
      explain: async () => undefined,
    },
    resolveRef: async (_repository, ref) => {
      if (ref === 'refs/heads/main') return 'a'.repeat(40)
      throw new ConfigError(`expected ${ref}, found no such branch or tag`)
    },
    jobFiles: async () => {
      throw new ConfigError('no files are kept here')
    },
    submissions: {
      bytes: 2 ** 20,
      submit: async () => ({ build: undefined, reasons: ['nothing is submitted here'] }),
    },
    fleet: noFleet(),
    optIns: memoryOptIns(),
    shells: createBrowserShells({ enter: () => Promise.reject(new Error('no gateway here')) }),
    readiness: async () => ({}),
    now,
    monotonic: () => now().getTime(),
    log,
  }
  // With its getters, for an address that becomes known later.
  const parts = Object.defineProperties(usual, Object.getOwnPropertyDescriptors(change))
  await store.repositories.put(aRepository({ name: 'mayfly/hello' }))
  const app = createApp(parts, createPages(parts))
  const texts = new Map<string, string>()
  const tokenFor = async (scopes: readonly TokenScope[]) => {
    const key = scopes.join()
    const text = texts.get(key) ?? (await tokens.make({ name: key, scopes })).text
    texts.set(key, text)
    return text
  }
  return {
    app,
    parts,
    archiveFolder: dataFolder,
    tokens,
    said,
    logged: lines,
    setNow: (ms) => {
      time = ms
    },
    ask: async (path, { scopes, ...init } = {}) => {
      const headers = new Headers(init.headers)
      if (scopes !== undefined) headers.set('authorization', `Bearer ${await tokenFor(scopes)}`)
      return await app.request(`${publicUrl}${path}`, { ...init, headers })
    },
    addJob: async (jobChange = {}, buildChange = {}) => {
      const bare = aBuild(buildChange)
      const job = aJob(bare.id, 'main', { state: 'running', ...jobChange })
      const build = { ...bare, jobs: [job.id] }
      await store.builds.add(build, [job])
      const folder = jobFolderPath(dataFolder, `${job.id}-${job.attempt}`)
      await mkdir(folder, { recursive: true })
      return { build, job, folder }
    },
    openLog: async (folder, name = 'log') => await LogFile.open({ folder, name }),
  }
}

function memoryVault(): Vault {
  const kept = new Map<string, string>()
  const key = (scope: string, name: string) => `${scope}\n${name}`
  return {
    set: async (scope, name, value) => void kept.set(key(scope, name), value),
    remove: async (scope, name) => kept.delete(key(scope, name)),
    names: async (scope) =>
      [...kept.keys()].flatMap((one) => (one.startsWith(`${scope}\n`) ? one.slice(scope.length + 1) : [])),
    get: async (scope, name) => kept.get(key(scope, name)),
    resolve: async () => ({}),
  }
}

function noFleet(): HttpParts['fleet'] {
  const none = () => Promise.reject(new ConfigError('no hosts are kept here'))
  return { show: none, cordon: none, uncordon: none, drain: none, remove: none }
}

function memoryOptIns(): OptIns {
  const kept = new Map<string, OptIn>()
  return {
    get: async (repository) => kept.get(repository),
    put: async (repository, optIn) => void kept.set(repository, optIn),
    replace: async (repository, before, after) => {
      if (JSON.stringify(kept.get(repository)) !== JSON.stringify(before)) return false
      kept.set(repository, after)
      return true
    },
    remove: async (repository) => kept.delete(repository),
  }
}
