import { pino } from 'pino'
import { ulid } from 'ulid'
import type { FailureClass } from '../../../config/errors.ts'
import type { HostConfig } from '../../../config/host/host-config.ts'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import type { BuildParts } from '../../../orchestrator/builds/build-parts.ts'
import { type BuildService, createBuildService } from '../../../orchestrator/builds/build-service.ts'
import type { HostCapacity } from '../../../orchestrator/builds/host-capacity.ts'
import type { BusMessage } from '../../../orchestrator/bus/bus.ts'
import type { Build, BuildJob } from '../../../orchestrator/model/build.ts'
import type { Repository } from '../../../orchestrator/model/repository.ts'
import type { Store } from '../../../orchestrator/model/store.ts'
import type { Trigger } from '../../../orchestrator/model/trigger.ts'
import type { Verdict } from '../../../runner/job/verdict.ts'
import { memoryStore } from '../memory-store.ts'
import { aRepository } from './a-repository.ts'

type Status = { context: string; state: string; description: string; sha: string; url: string }

type Ending = { verdict: Verdict; failure?: FailureClass; reason?: string }

/** A whole installation in memory, as the build service sees it, with a host that is played by the test. */
export type BuildWorld = {
  readonly store: Store
  readonly builds: BuildService
  readonly parts: BuildParts
  readonly repository: Repository
  /** Files of commits: `<sha>:<path>` to text. */
  readonly files: Map<string, string>
  /** Messages of commits; others have none. */
  readonly messages: Map<string, string>
  /** What was fetched, in order; a test may put an error there to be thrown. */
  readonly fetched: string[]
  readonly statuses: Status[]
  readonly bus: BusMessage[]
  /** Ids in line with their attempts, first one first: `<id>#<attempt>`. */
  readonly line: string[]
  /** Everything that was ever put in line. */
  readonly lined: string[]
  readonly setChangedFiles: (files: string[] | undefined) => void
  readonly failFetches: (...errors: Error[]) => void
  /** The host takes a job and runs it until `end`. */
  start(id: string): Promise<BuildJob>
  /** The host gives its verdict on a job that it runs. */
  end(job: BuildJob, ending: Ending): Promise<void>
  /** Takes and ends a job. */
  run(id: string, verdict?: Verdict): Promise<void>
  jobs(build: Build | undefined): Promise<Record<string, BuildJob>>
  states(build: Build | undefined): Promise<Record<string, string>>
  statusesOf(context: string): string[]
}

type World = {
  file?: string
  capacities?: readonly HostCapacity[]
  repository?: Partial<Repository>
  host?: Partial<HostConfig>
  /** Real ones in the place of those in memory. */
  store?: Store
  queue?: BuildParts['queue']
  publish?: BuildParts['bus']['publish']
}

export const aSha = 'a'.repeat(40)

/** @param world `file` is the pipeline file at commit `aSha` */
export async function buildWorld(world: World = {}): Promise<BuildWorld> {
  const store = world.store ?? memoryStore()
  const repository = aRepository(world.repository)
  await store.repositories.put(repository)
  const files = new Map<string, string>()
  if (world.file !== undefined) files.set(`${aSha}:.mayfly.yml`, world.file)
  const messages = new Map<string, string>()
  const fetched: string[] = []
  const fetchErrors: Error[] = []
  let changedFiles: string[] | undefined
  const statuses: Status[] = []
  const bus: BusMessage[] = []
  const line: string[] = []
  const lined: string[] = []
  let clock = Date.parse('2026-01-02T03:04:05.000Z')
  const host = {
    ...(await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })),
    ...world.host,
  }
  const parts: BuildParts = {
    store,
    queue: world.queue ?? {
      add: async ({ id, attempt }) => {
        if (lined.includes(`${id}#${attempt}`)) return
        lined.push(`${id}#${attempt}`)
        line.push(`${id}#${attempt}`)
      },
      addAhead: async ({ id, attempt }) => {
        if (!line.includes(`${id}#${attempt}`)) line.unshift(`${id}#${attempt}`)
      },
      remove: async ({ id, attempt }) => {
        const index = line.indexOf(`${id}#${attempt}`)
        if (index !== -1) line.splice(index, 1)
        return index !== -1
      },
      drop: async ({ id, attempt }) => {
        const index = line.indexOf(`${id}#${attempt}`)
        if (index !== -1) line.splice(index, 1)
      },
      taken: async () => undefined,
      took: async () => undefined,
      hand: async () => false,
      recall: async () => undefined,
      giveBack: async () => undefined,
      advance: async () => undefined,
      tend: async () => undefined,
      lines: async () => ['jobs'],
      inHand: async () => [],
      waiting: async (limit) => line.slice(0, limit).map((entry) => entry.replace(/#\d+$/, '')),
      close: async () => undefined,
    },
    mirror: {
      fetch: async (_repository, { ref, sha }) => {
        fetched.push(`${ref} ${sha}`)
        const error = fetchErrors.shift()
        if (error !== undefined) throw error
      },
      readFile: async (_repository, sha, path) => files.get(`${sha}:${path}`),
      changedFiles: async () => changedFiles,
      commitInfo: async (_repository, sha) => {
        const message = messages.get(sha) ?? ''
        return { title: message.split('\n')[0] ?? '', message, author: 'Ann' }
      },
      source: () => Promise.reject(new Error('the build service needs no trees')),
    },
    bus: {
      publish: async (message) => {
        bus.push(message)
        await world.publish?.(message)
      },
      subscribe: () => () => undefined,
      close: async () => undefined,
    },
    outbox: {
      post: async ({ context, state, description, sha, url }) => {
        statuses.push({ context, state, description, sha, url })
      },
      close: async () => undefined,
    },
    host,
    hostCapacity: async () => world.capacities ?? [{ id: 'host-a', cpus: 8, memory: 16 * 2 ** 30 }],
    resolveRef: async () => 'b'.repeat(40),
    pageUrl: (page) => `http://ci.test/${Object.entries(page).flat().join('/')}`,
    now: () => {
      clock += 1000
      return new Date(clock)
    },
    newId: () => ulid().toLowerCase(),
    log: pino({ level: 'silent' }),
    fetchDelays: [1, 1],
  }
  const builds = createBuildService(parts)
  const start = async (id: string): Promise<BuildJob> => {
    const index = line.findIndex((entry) => entry.startsWith(`${id}#`))
    if (index === -1) throw new Error(`${id} is not in line: ${line.join(', ')}`)
    line.splice(index, 1)
    const claimed = await store.jobs.claim(id, 'host-a')
    if (claimed === undefined) throw new Error(`${id} could not be claimed`)
    await builds.jobStarted(claimed)
    return claimed
  }
  const end = async (job: BuildJob, { verdict, failure, reason }: Ending): Promise<void> => {
    const change = { state: verdict, failure, reason, ended: parts.now().toISOString() }
    const ended = await store.jobs.change(job.id, ['claimed', 'running'], change, job.claim)
    if (ended !== undefined) await builds.jobEnded(ended)
  }
  const jobs = async (build: Build | undefined) => {
    const found = build === undefined ? [] : await store.jobs.ofBuild(build.id)
    return Object.fromEntries(found.map((job) => [job.name, job]))
  }
  return {
    store,
    builds,
    parts,
    repository,
    files,
    messages,
    fetched,
    statuses,
    bus,
    line,
    lined,
    setChangedFiles: (paths) => {
      changedFiles = paths
    },
    failFetches: (...errors) => {
      fetchErrors.push(...errors)
    },
    start,
    end,
    run: async (id, verdict = 'passed') => end(await start(id), { verdict }),
    jobs,
    states: async (build) =>
      Object.fromEntries(Object.entries(await jobs(build)).map(([name, { state }]) => [name, state])),
    statusesOf: (context) =>
      statuses.filter((status) => status.context === context).map(({ state }) => state),
  }
}

export function aTrigger(change: Partial<Trigger> = {}): Trigger {
  return {
    event: 'push',
    sha: aSha,
    ref: 'refs/heads/main',
    branch: 'main',
    tag: undefined,
    title: 'Change a thing',
    author: 'Ann',
    actor: 'ann',
    before: undefined,
    pullRequest: undefined,
    inputs: {},
    ...change,
  }
}

export function aPullRequest(change: Partial<NonNullable<Trigger['pullRequest']>> = {}): Trigger {
  return aTrigger({
    event: 'pull_request',
    ref: 'refs/pull/7/head',
    pullRequest: {
      number: 7,
      fork: false,
      sourceBranch: 'topic',
      targetBranch: 'main',
      targetSha: 'c'.repeat(40),
      url: 'http://forge.test/pulls/7',
      ...change,
    },
  })
}
