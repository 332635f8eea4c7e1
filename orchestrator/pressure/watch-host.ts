import type { Logger } from 'pino'
import { Gauge } from 'prom-client'
import type { HostConfig } from '../../config/host/host-config.ts'
import { imagesFolder } from '../../images/filenames.ts'
import { diskShortage } from '../../runner/host/disk-shortage.ts'
import { memoryShortage } from '../../runner/host/memory-shortage.ts'
import { jobsFolder } from '../../runner/job/filenames.ts'
import { mirrorsFolder } from '../git/filenames.ts'
import { pruneMirrors } from '../git/prune-mirrors.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { watchFolderSize } from './folder-size.ts'
import { type HostPressure, watchPressure } from './host-pressure.ts'

type WatchHost = {
  readonly host: Pick<HostConfig, 'pressure' | 'limits'>
  readonly dataFolder: string
  readonly archiveFolder: string
  readonly metrics: Pick<Metrics, 'registry' | 'limits' | 'diskBytes' | 'mirrorsRemoved'>
  readonly log: Logger
}

/** Watches over disk, memory and the sizes of what is kept on this host, by what its host file allows. */
export async function watchHost(options: WatchHost): Promise<HostPressure> {
  const { host, dataFolder, archiveFolder, metrics, log } = options
  const { diskFree, memoryFree, memoryStall } = host.pressure
  const folders = [dataFolder, archiveFolder]
  const pressure = await watchPressure({
    looks: [
      async () => named(await diskShortage({ folders, least: diskFree }), 'pressure.disk_free'),
      async () => named(await memoryShortage({ least: memoryFree, mostStall: memoryStall }), 'pressure'),
      watchFolderSize({
        ...{ folder: jobsFolder(archiveFolder), what: 'the archive', metrics },
        ...{ limit: 'limits.archive_bytes', most: host.limits.archiveBytes },
      }),
      watchFolderSize({
        ...{ folder: imagesFolder(dataFolder), what: 'the shelf of images', metrics },
        ...{ limit: 'limits.shelf_bytes', most: host.limits.shelfBytes },
      }),
      watchFolderSize({
        ...{ folder: mirrorsFolder(dataFolder), what: 'all mirrors', metrics },
        ...{ limit: 'limits.mirrors_bytes', most: host.limits.mirrorsBytes },
        makeRoom: async (bytes) => metrics.mirrorsRemoved.inc(await pruneMirrors({ dataFolder, bytes, log })),
      }),
    ],
    log,
  })
  const gauge: Gauge = new Gauge({
    name: 'mayfly_host_pressure',
    help: 'Whether this host takes no further jobs for want of disk or memory: 1 or 0',
    registers: [metrics.registry],
    collect: () => gauge.set(pressure.why() === undefined ? 0 : 1),
  })
  return pressure
}

function named(shortage: string | undefined, key: string): string | undefined {
  return shortage && `${shortage} (${key} of the host file)`
}
