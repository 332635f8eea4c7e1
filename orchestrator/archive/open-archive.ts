import type { Logger } from 'pino'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { Scope } from '../../runner/scope.ts'
import { type Archive, createArchive } from './archive.ts'
import type { ShipAttempts } from './s3/ship-attempts.ts'

export type OpenArchive = {
  readonly archive: Archive
  /** Brings what jobs leave on this host there; undefined where they write into it themselves. */
  readonly ship:
    | ((parts: Pick<ShipAttempts, 'store' | 'hostName' | 'now' | 'log'>) => { close(): Promise<void> })
    | undefined
  /** How many objects wait on this host until the bucket takes them; undefined without a bucket. */
  readonly waiting: (() => Promise<number>) | undefined
}

type Options = {
  readonly host: Pick<HostConfig, 'archive' | 'bucket'>
  readonly dataFolder: string
  readonly log: Logger
  /** Closes what is opened. */
  readonly scope: Scope
}

/** The archive that the host file names: a bucket, a folder, or the data folder. */
export async function openArchive({ host, dataFolder, log, scope }: Options): Promise<OpenArchive> {
  if (host.bucket === undefined)
    return {
      archive: createArchive({ folder: host.archive ?? dataFolder }),
      ship: undefined,
      waiting: undefined,
    }
  // The client's libraries would cost everybody else their time and memory.
  const { openBucket } = await import('./s3/open-bucket.ts')
  return await openBucket({ bucket: host.bucket, dataFolder, log, scope })
}
