import { hostname } from 'node:os'
import { join } from 'node:path'
import { sweepMachines } from '../../runner/machine/sweep-machines.ts'
import { resumeOnHost } from '../../runner/resume-on-host.ts'
import type { Scope } from '../../runner/scope.ts'
import { startOnHost } from '../../runner/start-on-host.ts'
import { signIn } from '../adoption/processes.ts'
import { takeUpLeft } from '../adoption/take-up-left.ts'
import { createKeptJobs } from '../holds/kept-jobs.ts'
import { openDebug } from '../holds/open-debug.ts'
import type { Hosts } from '../hosts/hosts.ts'
import { hostCapacity, type StopBound, startJobHost } from '../worker/job-host.ts'
import { createKeptResults } from '../worker/kept-results.ts'
import { type Self, watchSelf } from '../worker/watch-self.ts'
import type { Core } from './open-core.ts'
import { prefix } from './prefix.ts'
import type { ServeOrder } from './serve-order.ts'

/** Takes jobs and runs them on this host, those first that a process before this one left here. */
export async function openJobs(
  core: Core,
  order: Pick<ServeOrder, 'startMachine' | 'resumeParked'>,
  scope: Scope,
): Promise<(bound: StopBound) => Promise<readonly string[]>> {
  const { redis, patient, archiveFolder, ship, store, bus, vault, metrics, optIns, tickets, hosts, cordons } =
    core
  const { traces, queue, mirror, builds, pressure, host, dataFolder, shelf, log, now } = core
  const startMachine = order.startMachine ?? startOnHost({ host, dataFolder, mayOutlive: true })
  const hostName = `${hostname()}-${process.pid}`
  const debug =
    host.debug &&
    (await openDebug({
      ...{ hosts, shelf, kept: createKeptJobs({ redis, prefix }) },
      resumeParked: order.resumeParked ?? resumeOnHost({ host, dataFolder, mayOutlive: true }),
      ...{ debug: host.debug, dataFolder, archiveFolder, hostName, store, optIns, tickets, bus, now, log },
    }))
  if (debug !== undefined) await scope.defer('debug gateway', () => debug.close())
  const shipping = ship?.({ store, hostName, now, log })
  await scope.defer('bringing of jobs to the bucket', () => shipping?.close())
  const self = await watchSelf({ host, dataFolder, shelf, log })
  await scope.defer('look at this host', () => self.close())
  const parts = {
    hostName,
    host,
    archiveFolder,
    store,
    bus,
    builds,
    mirror,
    vault,
    shelf,
    metrics,
    startMachine,
    pressure,
    self,
    cordons,
    results: createKeptResults(join(dataFolder, 'results')),
    debug,
    traces,
    log,
  }
  await announceStarting(hosts, hostName, self)
  const sign = await signIn({ dataFolder, hostName })
  const left = await takeUpLeft({ ...parts, dataFolder, queue, hosts })
  await sweepMachines(dataFolder)
  const jobHost = startJobHost({ parts, hosts, queue, connection: patient, prefix, left })
  await scope.defer('sign', () => sign.signOut())
  return async (bound) => {
    const leftBehind = await jobHost.stop(bound)
    if (leftBehind.length > 0) await sign.leaveJobs()
    return leftBehind
  }
}

/** What it takes up from others is its own from then on, so they have to have heard of it. */
async function announceStarting(hosts: Hosts, name: string, self: Self): Promise<void> {
  const { cpus, memory } = hostCapacity()
  await hosts.announce({
    ...{ ...self.facts(), name, running: [] },
    cpus: { total: cpus, taken: 0 },
    memory: { total: memory, taken: 0 },
  })
}
