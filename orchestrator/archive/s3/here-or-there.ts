import { Readable } from 'node:stream'
import type { AttemptFiles } from '../../../runner/job/attempt-files.ts'
import { recordName } from '../../../runner/job/filenames.ts'

/**
 * The files of an attempt on this host where it has them, which it does while the attempt runs here and until all of it
 * is in the bucket; else those of the bucket.
 */
export function hereOrThere(here: AttemptFiles, there: AttemptFiles): AttemptFiles {
  const pick = async (name: string) => ((await here.isThere(name)) ? here : there)
  return {
    size: async (name) => (await here.size(name)) ?? (await there.size(name)),
    isThere: async (name) => (await here.isThere(name)) || (await there.isThere(name)),
    read: async (name, span) => {
      try {
        return await (await pick(name)).read(name, span)
      } catch (error) {
        // Brought to the bucket and removed from here since it was looked.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return await there.read(name, span)
        throw error
      }
    },
    stream: (name, span) =>
      Readable.from(
        from(async () => (await pick(name)).stream(name, span)),
        { objectMode: false },
      ),
    list: async (folder) => {
      const found = await here.list(folder)
      return found.length > 0 ? found : await there.list(folder)
    },
    isComplete: async () => (await here.isThere(recordName)) || (await there.isComplete()),
  }
}

async function* from(open: () => Promise<Readable>): AsyncGenerator<Buffer> {
  yield* await open()
}
