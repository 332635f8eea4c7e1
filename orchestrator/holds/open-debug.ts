import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { HostDebug } from '../../config/host/host-config.ts'
import type { Shelf } from '../../images/shelf.ts'
import type { ResumeParked } from '../../runner/resume-on-host.ts'
import type { Bus } from '../bus/bus.ts'
import { auditFile } from '../gateway/filenames.ts'
import { loadGatewayHostKey } from '../gateway/load-host-key.ts'
import { startGateway } from '../gateway/start-gateway.ts'
import type { Hosts } from '../hosts/hosts.ts'
import type { Store } from '../model/store.ts'
import { freshOptIns } from '../user-keys/fresh-opt-ins.ts'
import { appendAudit } from './append-audit.ts'
import type { Holds } from './hold-parts.ts'
import { createHolds } from './holds.ts'
import type { KeptJobs } from './kept-jobs.ts'
import type { OptIns } from './opt-ins.ts'
import { createParking } from './parking.ts'
import { sweepKept } from './sweep-kept.ts'
import type { Tickets } from './tickets.ts'
import { createVisits, type Visits } from './visits.ts'

type OpenDebug = {
  readonly debug: HostDebug
  readonly dataFolder: string
  /** Folder that holds the folders of jobs. */
  readonly archiveFolder: string
  readonly hostName: string
  readonly store: Pick<Store, 'jobs' | 'repositories'>
  readonly optIns: OptIns
  readonly kept: KeptJobs
  readonly hosts: Pick<Hosts, 'list'>
  readonly shelf: Pick<Shelf, 'resolve'>
  readonly resumeParked: ResumeParked
  readonly tickets: Pick<Tickets, 'ofJob'>
  readonly bus: Pick<Bus, 'subscribe' | 'publish'>
  readonly now: () => Date
  readonly log: Logger
}

/** How often what is written of kept machines is compared with what there is, ms. */
const sweepMs = 15_000

/** What a worker needs to keep machines, and the gateway in front of them. */
export type DebugParts = {
  readonly debug: HostDebug
  readonly holds: Holds
  readonly visits: Visits
  readonly optIns: OptIns
  /** As maintainers reach it; `hostKey` is a line of known_hosts without the host. */
  readonly gateway: { readonly host: string; readonly port: number; readonly hostKey: string }
}

export type OpenedDebug = DebugParts & {
  /** Ends all that is kept, and the gateway. */
  close(): Promise<void>
}

/**
 * Opens the SSH gateway of this host. Who entered, when and from where is in `<data>/gateway/audit.jsonl`; the
 * recordings of a job's shells are in its folder. Throws ConfigError where the gateway cannot listen.
 */
export async function openDebug(options: OpenDebug): Promise<OpenedDebug> {
  const { debug, dataFolder, archiveFolder, hostName, store, optIns, tickets, kept, hosts, bus, now, log } =
    options
  const announce = (job: string, size: number) => void bus.publish({ type: 'console', job, size })
  const fresh = freshOptIns({ optIns, repositories: store.repositories, now, log })
  const parking = createParking({ ...options, announce })
  const holds = createHolds({
    ...{ debug, hostName, archiveFolder, store, optIns: fresh, tickets, parking, kept, now, log },
  })
  const visits = createVisits({ archiveFolder, optIns: fresh, now, log })
  const audit = appendAudit({ file: auditFile(dataFolder), log })
  const { privateKey, publicKey } = await loadGatewayHostKey(dataFolder)
  const gateway = await startGateway({
    hostKey: privateKey,
    listen: debug.listen,
    authorize: (job) => visits.authorize(job) ?? holds.authorize(job),
    connect: (job, signal) => visits.connect(job, signal) ?? holds.connect(job, signal),
    openConsole: holds.openConsole,
    audit: (entry) => {
      audit(entry)
      visits.hear(entry)
    },
    record: ({ job, session, channel }) => {
      const folder = visits.recordings(job) ?? holds.recordings(job)
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      return createWriteStream(join(folder, `${session}-${channel}.cast`), { mode: 0o600 })
    },
    log,
  })
  holds.onEnd((job, why) => void gateway.endSessionsOf(job, why))
  visits.onEnd((job, why) => gateway.endSessionsOf(job, why))
  const hostKey = publicKey.split(' ').slice(0, 2).join(' ')
  const reached = { host: debug.address ?? debug.listen.host, port: gateway.port, hostKey }
  const unsubscribe = bus.subscribe(async (message) => {
    if (message.type === 'release') {
      const why = `ended by ${message.by}`
      if (!(await holds.end(message.job, why))) await holds.discard(message.job, why)
    }
    if (message.type === 'park') await holds.end(message.job, `parked by ${message.by}`, 'park')
    if (message.type === 'resume') await holds.resume(message.job, reached)
  })
  const sweep = () =>
    sweepKept({ debug, store, kept, parking, hosts, now, log }).catch((err: unknown) =>
      log.warn({ err }, 'what is kept could not be swept'),
    )
  const sweeping = setInterval(() => void sweep(), sweepMs)
  return {
    ...{ debug, holds, visits, optIns },
    gateway: reached,
    close: async () => {
      clearInterval(sweeping)
      unsubscribe()
      await holds.close()
      await gateway.close()
    },
  }
}
