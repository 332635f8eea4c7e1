import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { HostDebug } from '../../config/host/host-config.ts'
import type { Bus } from '../bus/bus.ts'
import { auditFile } from '../gateway/filenames.ts'
import { loadGatewayHostKey } from '../gateway/load-host-key.ts'
import { startGateway } from '../gateway/start-gateway.ts'
import type { Store } from '../model/store.ts'
import { appendAudit } from './append-audit.ts'
import { createHolds, type Holds } from './holds.ts'
import type { OptIns } from './opt-ins.ts'

type OpenDebug = {
  readonly debug: HostDebug
  readonly dataFolder: string
  /** Folder that holds the folders of jobs. */
  readonly archiveFolder: string
  readonly hostName: string
  readonly store: Pick<Store, 'jobs'>
  readonly optIns: OptIns
  readonly bus: Pick<Bus, 'subscribe'>
  readonly now: () => Date
  readonly log: Logger
}

/** What a worker needs to keep machines, and the gateway in front of them. */
export type DebugParts = {
  readonly debug: HostDebug
  readonly holds: Holds
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
  const { debug, dataFolder, archiveFolder, hostName, store, optIns, bus, now, log } = options
  const holds = createHolds({ debug, hostName, archiveFolder, store, optIns, now, log })
  const { privateKey, publicKey } = await loadGatewayHostKey(dataFolder)
  const gateway = await startGateway({
    hostKey: privateKey,
    listen: debug.listen,
    authorize: holds.authorize,
    connect: holds.connect,
    audit: appendAudit({ file: auditFile(dataFolder), log }),
    record: ({ job, session, channel }) => {
      const folder = holds.recordings(job)
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      return createWriteStream(join(folder, `${session}-${channel}.cast`), { mode: 0o600 })
    },
    log,
  })
  holds.onEnd((job, why) => gateway.endSessionsOf(job, why))
  const unsubscribe = bus.subscribe(async (message) => {
    if (message.type === 'release') await holds.end(message.job, `ended by ${message.by}`)
  })
  const hostKey = publicKey.split(' ').slice(0, 2).join(' ')
  return {
    ...{ debug, holds, optIns },
    gateway: { host: debug.address ?? debug.listen.host, port: gateway.port, hostKey },
    close: async () => {
      unsubscribe()
      await holds.close()
      await gateway.close()
    },
  }
}
