import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { syncPath } from '../../images/atomic-file.ts'
import type { Archive } from './archive.ts'
import { dayOf, deliveriesFolder, deliveryDay, deliveryFileName } from './filenames.ts'

/** Lines about deliveries in a file for each day, to which any number of processes add. */
export function createDeliveryFiles(
  archive: string,
): Pick<Archive, 'keepDeliveries' | 'deliveries' | 'trimDeliveries'> {
  const folder = deliveriesFolder(archive)
  const days = async () =>
    (await readdir(folder).catch(() => [])).filter((name) => deliveryDay(name) !== undefined).sort()
  let synced: string | undefined
  return {
    keepDeliveries: async (lines, at) => {
      const path = join(folder, deliveryFileName(dayOf(at)))
      if (synced !== path) await mkdir(folder, { recursive: true, mode: 0o700 })
      const file = await open(path, 'a', 0o600)
      try {
        // A break before them ends what a crash cut short.
        await file.appendFile(`\n${lines.join('\n')}\n`)
        await file.datasync()
      } finally {
        await file.close()
      }
      if (synced !== path) await syncPath(folder)
      synced = path
    },
    async *deliveries() {
      for (const name of await days()) {
        const input = createReadStream(join(folder, name), 'utf8')
        for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }))
          if (line !== '') yield line
      }
    },
    trimDeliveries: async (before) => {
      for (const name of await days())
        if ((deliveryDay(name) ?? '') < dayOf(before)) await rm(join(folder, name), { force: true })
    },
  }
}
