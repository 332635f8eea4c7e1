import { join } from 'node:path'
import type { Logger } from 'pino'
import { ConfigError } from '../../../config/errors.ts'
import type { HostBucket } from '../../../config/host/host-config.ts'
import type { Scope } from '../../../runner/scope.ts'
import type { OpenArchive } from '../open-archive.ts'
import { createS3Archive } from './s3-archive.ts'
import { createS3Store } from './s3-store.ts'
import { shipAttempts } from './ship-attempts.ts'
import { createWaitingObjects } from './waiting-objects.ts'

type Options = {
  readonly bucket: HostBucket
  readonly dataFolder: string
  readonly log: Logger
  readonly scope: Scope
}

/**
 * The archive in a bucket. One that is away is no reason not to start: what is to be kept waits on this host.
 * @throws ConfigError where the bucket, the key or its rights are wrong
 */
export async function openBucket({ bucket, dataFolder, log, scope }: Options): Promise<OpenArchive> {
  const store = createS3Store(bucket)
  await scope.defer('client of the bucket', () => store.close())
  await store.check().catch((err: unknown) => {
    if (err instanceof ConfigError) throw err
    log.warn({ err }, 'the bucket of the archive cannot be reached')
  })
  const waiting = createWaitingObjects({ store, folder: join(dataFolder, 'waiting'), log })
  const delivering = waiting.start()
  await scope.defer('objects on their way to the bucket', () => delivering.close())
  return {
    archive: createS3Archive({ store, waiting, folder: dataFolder }),
    waiting: waiting.count,
    ship: (parts) => shipAttempts({ ...parts, bucket: store, folder: dataFolder }),
  }
}
