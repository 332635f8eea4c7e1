import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openShelf } from '../../../images/shelf.ts'
import type { DebugParts } from '../../../orchestrator/holds/open-debug.ts'
import { createVisits } from '../../../orchestrator/holds/visits.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import type { BuildJob } from '../../../orchestrator/model/build.ts'
import type { Repository } from '../../../orchestrator/model/repository.ts'
import type { Trigger } from '../../../orchestrator/model/trigger.ts'
import { HostStopping, LockLost } from '../../../orchestrator/queue/abort-causes.ts'
import { runBuildJob } from '../../../orchestrator/worker/run-build-job.ts'
import type { WorkerParts } from '../../../orchestrator/worker/worker-parts.ts'
import { jobFolderPath } from '../../../runner/job/filenames.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import { createFakeStart, type FakeStartOptions } from '../../fake-start.ts'
import { shelfImage } from '../../shelf-image.ts'
import { aPullRequest, aTrigger, buildWorld } from '../builds/build-world.ts'
import { memoryBus } from '../http/memory-bus.ts'
import { keptLog } from '../kept-log.ts'
import { until } from '../until.ts'

const plainFile = 'jobs:\n  main:\n    secrets: [DEPLOY]\n    steps:\n      - name: work\n        run: make\n'

/** Everything speaks for a hold, but that the gateway and the slots are only looked at. */
function debugParts(begun: string[], reserve?: DebugParts['holds']['reserve']): DebugParts {
  const nothing = async () => undefined
  return {
    debug: {
      ...{ listen: { host: '127.0.0.1', port: 0 }, address: undefined },
      ...{ slots: 1, perRepository: 1, longest: 60_000, parked: { quota: 2 ** 30, maxAge: 86_400_000 } },
    },
    gateway: { host: '127.0.0.1', port: 2222, hostKey: 'ssh-ed25519 AAAA' },
    optIns: {
      get: async () => ({ by: 'ann', at: '2026-01-01T00:00:00.000Z', keys: [] }),
      put: nothing,
      replace: async () => false,
      remove: async () => false,
    },
    visits: createVisits({
      archiveFolder: '/archive',
      optIns: { get: async () => undefined },
      now: () => new Date(),
      log: keptLog().log,
    }),
    holds: {
      reserve:
        reserve ??
        (() => ({
          slot: {
            begin: async ({ ms, secrets, machine }) => void begun.push(`${machine.id} ${ms} ${secrets}`),
            release: () => void begun.push('released'),
          },
        })),
      authorize: async () => ({ kind: 'refused', why: 'nobody' }),
      connect: () => Promise.reject(new Error('nobody')),
      openConsole: () => Promise.reject(new Error('nobody')),
      recordings: () => '',
      park: async ({ id }, { ms, secrets }) => void begun.push(`${id} parked ${ms} ${secrets}`),
      takeUp: async () => false,
      resume: nothing,
      discard: nothing,
      end: async () => false,
      onEnd: () => undefined,
      close: nothing,
    },
  }
}

type WorkerSetting = {
  debug?: DebugParts
  machine?: FakeStartOptions
  trigger?: Trigger
  file?: string
  repository?: Partial<Repository>
}

async function aWorker(setting: WorkerSetting = {}) {
  const { file = plainFile, repository = {} } = setting
  const dataFolder = await mkdtemp(join(tmpdir(), 'mayfly-worker-'))
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }))
  const directory = join(dataFolder, 'tree')
  await mkdir(directory)
  await writeFile(join(directory, 'README.md'), 'hello\n')
  const world = await buildWorld({ file, repository })
  world.files.set(`${'c'.repeat(40)}:.mayfly.yml`, file)
  const { bus, said, listeners } = memoryBus()
  const start = createFakeStart(setting.machine)
  const resolved: string[][] = []
  let released = 0
  const parts: WorkerParts = {
    hostName: 'host-a',
    host: world.parts.host,
    archiveFolder: dataFolder,
    store: world.store,
    bus,
    builds: world.builds,
    mirror: {
      ...world.parts.mirror,
      source: async (_repository, _commit, limits) => ({
        ...directorySource({ directory, limits }),
        release: async () => {
          released++
        },
      }),
    },
    vault: {
      set: async () => undefined,
      remove: async () => false,
      names: async () => [],
      get: async () => undefined,
      resolve: async (_repository, names) => {
        resolved.push([...names])
        return { DEPLOY: 'the-deploy-secret' }
      },
    },
    shelf: { ...openShelf({ dataFolder }), ensure: async (name) => shelfImage(name) },
    metrics: createMetrics(),
    startMachine: start,
    ...(setting.debug === undefined ? {} : { debug: setting.debug }),
    log: world.parts.log,
  }
  const { build } = await world.builds.create({
    repository: world.repository,
    trigger: setting.trigger ?? aTrigger(),
  })
  if (build?.state === 'waiting') await world.builds.approve(build.id, 'ann')
  const id = build?.jobs[0] ?? ''
  const stop = new AbortController()
  const run = (redelivered = false) =>
    runBuildJob({ parts, job: { id, attempt: 1, redelivered, signal: stop.signal } })
  const job = async () => (await world.store.jobs.get(id)) as BuildJob
  return {
    ...world,
    parts,
    id,
    run,
    stop,
    job,
    start,
    said,
    listeners,
    resolved,
    released: () => released,
    dataFolder,
  }
}

const hangs: FakeStartOptions = { steps: () => ({ prints: ['begun\n'], instead: 'hang' }) }
const inStep = (worker: Awaited<ReturnType<typeof aWorker>>) =>
  until('the step runs', () => worker.start.machines[0]?.ran.length === 1)

describe('runBuildJob', () => {
  it('takes a job to its verdict, with its log in a folder of the attempt and the build told', async () => {
    const worker = await aWorker({ machine: { steps: () => ({ prints: ['the-deploy-secret\n'] }) } })
    expect(await worker.run()).toBe('ended')
    expect(await worker.job()).toMatchObject({ state: 'passed', host: 'host-a', claim: 1 })
    const build = await worker.store.builds.get((await worker.job()).build)
    expect(build?.state).toBe('passed')
    const log = await readFile(join(jobFolderPath(worker.dataFolder, `${worker.id}-1`), 'log'), 'utf8')
    expect(log).not.toContain('the-deploy-secret')
    expect(worker.resolved).toEqual([['DEPLOY']])
    expect(worker.said).toContainEqual({ type: 'log', job: worker.id, size: Buffer.byteLength(log) })
    expect([worker.released(), worker.listeners()]).toEqual([1, 0])
    expect(worker.start.machines[0]?.destroyed.length).toBeGreaterThan(0)
    expect(await worker.parts.metrics.registry.metrics()).toContain('mayfly_jobs_running 0')
  })

  it('lets the steps reach what the repository lets them, and no more', async () => {
    const network = { allow: ['a.test'], deny: [], audit: false }
    const worker = await aWorker({ repository: { network } })
    await worker.run()
    expect(worker.start.machines[0]?.ran[0]?.egress).toEqual({ isOffline: false, policy: network })
  })

  it('is cancelled by a word on the bus, and by one that was said before it listened', async () => {
    const worker = await aWorker({ machine: hangs })
    const running = worker.run()
    await inStep(worker)
    await worker.parts.bus.publish({ type: 'cancel', job: 'another', by: 'bob' })
    await worker.parts.bus.publish({ type: 'cancel', job: worker.id, by: 'ann' })
    expect(await running).toBe('ended')
    expect(await worker.job()).toMatchObject({
      state: 'cancelled',
      reason: expect.stringContaining('cancelled by ann'),
    })
    expect(worker.listeners()).toBe(0)
    const early = await aWorker({ machine: hangs })
    await early.store.jobs.change(early.id, ['queued'], { cancelRequested: 'carl' })
    await early.run()
    expect(await early.job()).toMatchObject({ state: 'cancelled' })
  })

  it('writes nothing once it has lost the job to another host', async () => {
    const worker = await aWorker({ machine: hangs })
    const running = worker.run()
    await inStep(worker)
    const before = await worker.job()
    worker.stop.abort(new LockLost('not heard of'))
    expect(await running).toBe('ended')
    expect(await worker.job()).toEqual(before)
    expect(worker.start.machines[0]?.destroyed.length).toBeGreaterThan(0)
  })

  it('does not write over a host that claimed the job after it', async () => {
    const worker = await aWorker({ machine: { steps: () => ({ prints: [300] }) } })
    const running = worker.run()
    await inStep(worker)
    const { claim } = await worker.job()
    await worker.store.jobs.change(worker.id, ['claimed', 'running'], { host: 'host-b', claim: claim + 1 })
    await running
    expect(await worker.job()).toMatchObject({ host: 'host-b', claim: claim + 1, ended: undefined })
  })

  it('puts the job back when its host stops, as if it had never been taken', async () => {
    const worker = await aWorker({ machine: hangs })
    const running = worker.run()
    await inStep(worker)
    worker.stop.abort(new HostStopping('mayfly serve ends'))
    expect(await running).toBe('put-back')
    expect(await worker.job()).toMatchObject({ state: 'queued', host: undefined, attempt: 1 })
    expect([worker.released(), worker.listeners()]).toEqual([1, 0])
  })

  it('ends what another host had as host-lost, so that what runs here is a new attempt', async () => {
    const worker = await aWorker()
    await worker.store.jobs.claim(worker.id, 'host-b')
    expect(await worker.run(true)).toBe('ended')
    // The lost attempt is retried, and this run is the new one.
    expect(await worker.job()).toMatchObject({ state: 'passed', attempt: 2 })
    expect(worker.lined).toEqual([`${worker.id}#1`, `${worker.id}#2`])
    expect(worker.start.orders.map(({ id }) => id)).toEqual([`${worker.id}-2`])
  })

  it("gives a fork's build no secret, approved or not", async () => {
    const worker = await aWorker({ trigger: aPullRequest({ fork: true }) })
    await worker.run()
    expect((await worker.job()).state).toBe('passed')
    expect(worker.resolved).toEqual([])
    expect(worker.start.machines[0]?.secrets).toEqual({})
  })

  it('lets a job use the checkpoints of its repository, and keep one unless it is of a fork', async () => {
    const file = 'jobs:\n  main: { setup: [ install ], steps: [ make ] }\n'
    const setupOf = async (setting: WorkerSetting) => {
      const worker = await aWorker({ file, ...setting })
      await worker.run()
      return worker.start.orders[0]?.setup
    }
    const pushed = await setupOf({})
    expect(pushed).toMatchObject({
      scripts: ['install'],
      access: { scope: 'repository gitea:mayfly/hello', readsAll: false, mayKeep: true },
    })
    const own = await setupOf({ trigger: aPullRequest({ fork: false }) })
    expect(own?.access).toEqual(pushed?.access)
    const fork = await setupOf({ trigger: aPullRequest({ fork: true }) })
    expect(fork?.access).toEqual({ ...pushed?.access, mayKeep: false })
    // Two forges can each have a repository of that name, with other people who push to it.
    const others = [{ name: 'mayfly/other' }, { forge: 'gitlab' }] as const
    const scopes = await Promise.all(
      others.map(async (repository) => (await setupOf({ repository }))?.access.scope),
    )
    expect(scopes).toEqual(['repository gitea:mayfly/other', 'repository gitlab:mayfly/hello'])
  })

  it('ends a job whose repository is gone, and leaves alone one that is no longer queued', async () => {
    const worker = await aWorker()
    for (const { name, forge } of await worker.store.repositories.list())
      await worker.store.repositories.remove(`${forge}:${name}`)
    await worker.run()
    expect(await worker.job()).toMatchObject({ state: 'errored', failure: 'config' })
    expect(await worker.run()).toBe('ended')
    expect(worker.start.orders).toEqual([])
  })
})

describe('a job that is to be kept for debugging', () => {
  const file = `${plainFile}    debug: { on: failure, hold: 30s }\n`
  const fails: FakeStartOptions = { steps: () => ({ exits: 2 }) }
  const destroyed = (worker: Awaited<ReturnType<typeof aWorker>>) => worker.start.machines[0]?.destroyed

  it('has its verdict written and told before its machine is opened, which is then not ended', async () => {
    const begun: string[] = []
    const seen: unknown[] = []
    const debug = debugParts(begun, (job) => ({
      slot: {
        begin: async ({ machine, ms, secrets }) => {
          const now = await worker.job()
          const build = await worker.store.builds.get(job.build)
          seen.push({ id: machine.id, ms, secrets, state: now.state, build: build?.state })
        },
        release: () => undefined,
      },
    }))
    const worker = await aWorker({ file, machine: fails, debug })
    expect(await worker.run()).toBe('ended')
    await until('it is opened', () => seen.length === 1)
    const id = `${worker.id}-1`
    expect(seen).toEqual([
      { id, ms: 30_000, secrets: ['the-deploy-secret'], state: 'failed', build: 'failed' },
    ])
    expect(destroyed(worker)).toEqual([])
  })

  it('is not kept when it passes, and nothing is said of it', async () => {
    const begun: string[] = []
    const worker = await aWorker({ file, debug: debugParts(begun) })
    await worker.run()
    expect((await worker.job()).hold).toBeUndefined()
    expect(begun).toEqual([])
    expect(destroyed(worker)).toEqual(['now'])
  })

  it('says why it was not kept: for want of a slot, or of all of it on its host', async () => {
    const full = debugParts([], () => ({ why: 'no slot is free' }))
    const worker = await aWorker({ file, machine: fails, debug: full })
    await worker.run()
    await until('it is written', async () => (await worker.job()).hold !== undefined)
    expect(await worker.job()).toMatchObject({
      state: 'failed',
      hold: { state: 'refused', why: 'no slot is free' },
    })
    expect(destroyed(worker)).toEqual(['now'])
    const bare = await aWorker({ file, machine: fails })
    await bare.run()
    await until('it is written', async () => (await bare.job()).hold !== undefined)
    expect((await bare.job()).hold).toMatchObject({ why: expect.stringContaining('`debug:`') })
  })

  it('gives its machine and its slot up once it is lost to another host', async () => {
    const begun: string[] = []
    const debug = debugParts(begun)
    const reserve: DebugParts['holds']['reserve'] = (job) => {
      worker.stop.abort(new LockLost('not heard of'))
      return debug.holds.reserve(job)
    }
    const worker = await aWorker({
      ...{ file, machine: fails, debug: { ...debug, holds: { ...debug.holds, reserve } } },
    })
    expect(await worker.run()).toBe('ended')
    expect(begun).toEqual(['released'])
    expect(destroyed(worker)).toEqual(['now'])
    expect((await worker.job()).hold).toBeUndefined()
  })

  it('gives them up too where another host has claimed it meanwhile', async () => {
    const begun: string[] = []
    const machine: FakeStartOptions = { steps: () => ({ prints: [300], exits: 2 }) }
    const worker = await aWorker({ file, machine, debug: debugParts(begun) })
    const running = worker.run()
    await inStep(worker)
    const { claim } = await worker.job()
    await worker.store.jobs.change(worker.id, ['claimed', 'running'], { host: 'host-b', claim: claim + 1 })
    await running
    expect(begun).toEqual(['released'])
    expect(destroyed(worker)).toEqual(['now'])
  })

  it('gives them up too where what is kept of the job cannot be written', async () => {
    const begun: string[] = []
    const debug = debugParts(begun)
    const reserve: DebugParts['holds']['reserve'] = (job) => {
      rmSync(jobFolderPath(worker.dataFolder, `${job.id}-1`), { recursive: true })
      return debug.holds.reserve(job)
    }
    const worker = await aWorker({
      ...{ file, machine: fails, debug: { ...debug, holds: { ...debug.holds, reserve } } },
    })
    await worker.run()
    // As an error of this host, which is tried again.
    expect(await worker.job()).toMatchObject({ state: 'queued', attempt: 2, hold: undefined })
    expect(begun).toEqual(['released'])
    expect(destroyed(worker)).toEqual(['now'])
  })
})
