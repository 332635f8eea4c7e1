import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openShelf } from '../../../images/shelf.ts'
import { createRedisBus } from '../../../orchestrator/bus/redis-bus.ts'
import { createHosts } from '../../../orchestrator/hosts/hosts.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import type { Repository } from '../../../orchestrator/model/repository.ts'
import type { Resources } from '../../../orchestrator/queue/capacity.ts'
import { createJobQueue } from '../../../orchestrator/queue/job-queue.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'
import { startJobHost } from '../../../orchestrator/worker/job-host.ts'
import type { WorkerParts } from '../../../orchestrator/worker/worker-parts.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import { createFakeStart, type FakeStart, type FakeStartOptions } from '../../fake-start.ts'
import { shelfImage } from '../../shelf-image.ts'
import { aTrigger, buildWorld } from '../builds/build-world.ts'
import { startRedis } from '../real-redis.ts'
import { emptyVault } from './empty-vault.ts'

const prefix = 'test'
const gib = 2 ** 30
const quick = { lock: 5000, stalledCheck: 500, stalls: 2, hold: 300, elsewhere: 100, later: 300 }

type Setting = { file: string; repository?: Partial<Repository> }

type HostSetting = {
  machine?: FakeStartOptions
  capacity?: Resources
  /** In the place of what a host is made of. */
  parts?: Partial<WorkerParts>
}

/** A whole installation on a real Redis, with as many hosts of fake machines as a test starts. */
export async function hostWorld({ file, repository }: Setting) {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const archiveFolder = await mkdtemp(join(tmpdir(), 'mayfly-hosts-'))
  onTestFinished(() => rm(archiveFolder, { recursive: true, force: true }))
  const directory = join(archiveFolder, 'tree')
  await mkdir(directory)
  await writeFile(join(directory, 'README.md'), 'hello\n')
  const connection = redis.connect()
  const store = createRedisStore({ redis: connection, prefix })
  const queue = createJobQueue({ connection, prefix })
  onTestFinished(() => queue.close())
  const { log } = (await buildWorld()).parts
  const bus = await createRedisBus({ redis: connection, prefix, log })
  onTestFinished(() => bus.close())
  const hosts = createHosts({ redis: connection, prefix })
  const world = await buildWorld({
    file,
    store,
    queue,
    publish: bus.publish,
    ...(repository === undefined ? {} : { repository }),
  })
  const metrics = createMetrics()

  /** A host that takes jobs until the test is over. */
  const startHost = (
    hostName: string,
    setting: HostSetting = {},
  ): { start: FakeStart; stop: () => Promise<void> } => {
    const start = createFakeStart(setting.machine)
    const parts: WorkerParts = {
      hostName,
      host: world.parts.host,
      archiveFolder,
      store,
      bus,
      builds: world.builds,
      mirror: {
        ...world.parts.mirror,
        source: async (_repository, _commit, limits) => ({
          ...directorySource({ directory, limits }),
          release: async () => undefined,
        }),
      },
      vault: emptyVault,
      shelf: { ...openShelf({ dataFolder: archiveFolder }), ensure: async (name) => shelfImage(name) },
      metrics,
      startMachine: start,
      log,
      ...setting.parts,
    }
    const host = startJobHost({
      ...{ parts, hosts, queue, prefix },
      connection: redis.connect(),
      capacity: setting.capacity ?? { cpus: 64, memory: 64 * gib },
      timing: quick,
    })
    const stop = async () => void (await host.stop({ graceMs: 0 }))
    onTestFinished(stop)
    return { start, stop }
  }

  /** A build of what is pushed to a repository; ids of its jobs by their names. */
  const push = async (to: Repository = world.repository) => {
    const { build, reasons } = await world.builds.create({ repository: to, trigger: aTrigger() })
    if (build === undefined) throw new Error(`expected a build, got none: ${reasons.join('; ')}`)
    const jobs = await store.jobs.ofBuild(build.id)
    return { build, ids: Object.fromEntries(jobs.map(({ name, id }) => [name, id])) }
  }
  return { ...world, redis, store, queue, bus, hosts, metrics, archiveFolder, startHost, push }
}
