import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

type Options = {
  readonly folder: string
  /** bytes */
  readonly limit: number
  readonly signal: AbortSignal
  readonly tooLarge: () => Error
}

export type SizeWatch = {
  /** Aborted with `tooLarge()` once there is too much in the folder, or with the signal it was made from. */
  readonly signal: AbortSignal
  /** Looks a last time: what was written after the last look counts too. @throws what `tooLarge` makes */
  check(): Promise<void>
  end(): void
}

/** Pause between two looks. ms */
const pause = 200

/** Looks again and again how much a folder holds while others write into it. */
export function watchSize({ folder, limit, signal, tooLarge }: Options): SizeWatch {
  const full = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const look = async () => {
    if ((await folderSize(folder, limit)) > limit) full.abort(tooLarge())
    if (!ended && !full.signal.aborted) timer = setTimeout(look, pause)
  }
  timer = setTimeout(look, pause)
  return {
    signal: AbortSignal.any([signal, full.signal]),
    async check() {
      if ((await folderSize(folder, limit)) > limit) throw tooLarge()
    },
    end() {
      ended = true
      clearTimeout(timer)
    },
  }
}

/** Bytes of all files below a folder, counted until there are more than `enough`; what vanishes meanwhile is nothing. */
export async function folderSize(folder: string, enough = Number.POSITIVE_INFINITY): Promise<number> {
  let size = 0
  const folders = [folder]
  for (let next = folders.pop(); next !== undefined && size <= enough; next = folders.pop()) {
    const here = next
    const entries = await readdir(here, { withFileTypes: true }).catch(() => [])
    folders.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(here, name)))
    const files = entries.filter((entry) => entry.isFile())
    for (let start = 0; start < files.length; start += 64) {
      const sizes = await Promise.all(
        files.slice(start, start + 64).map(({ name }) =>
          lstat(join(here, name)).then(
            (stats) => stats.size,
            () => 0,
          ),
        ),
      )
      size += sizes.reduce((sum, one) => sum + one, 0)
    }
  }
  return size
}
