import { readFile, rm, stat } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../atomic-file.ts'
import { partFile, partStateFile } from '../filenames.ts'

const partState = z.object({
  url: z.string(),
  /** `<algorithm>:<hex>` that the whole must have. */
  checksum: z.string(),
  /** What If-Range takes: a strong ETag or a date (RFC 9110, 13.1.5). */
  validator: z.string(),
})

/** What a partial download is a part of. */
export type PartState = z.infer<typeof partState>

/** Undefined where nothing was kept, or where it cannot be gone on with. */
export async function readPartState(downloads: string): Promise<PartState | undefined> {
  try {
    return partState.safeParse(JSON.parse(await readFile(partStateFile(downloads), 'utf8'))).data
  } catch {
    return undefined
  }
}

export async function writePartState(downloads: string, state: PartState): Promise<void> {
  await writeFileAtomic(partStateFile(downloads), JSON.stringify(state))
}

export async function partSize(downloads: string): Promise<number> {
  return (await stat(partFile(downloads)).catch(() => undefined))?.size ?? 0
}

export async function removePart(downloads: string): Promise<void> {
  await rm(partStateFile(downloads), { force: true })
  await rm(partFile(downloads), { force: true })
}
