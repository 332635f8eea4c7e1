import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import { templateFailure } from './filenames.ts'

const schema = z.object({ why: z.string(), at: z.string() })

/** Time after which a template that could not be built is tried again. */
const retryMs = 60 * 60 * 1000

/** Why the template of a key could not be built lately; undefined where it should be tried. */
export async function knownFailure(shelf: string, key: string): Promise<string | undefined> {
  try {
    const { why, at } = schema.parse(JSON.parse(await readFile(templateFailure(shelf, key), 'utf8')))
    return Date.now() - Date.parse(at) < retryMs ? why : undefined
  } catch {
    return undefined
  }
}

/** Keeps every job of an image that cannot be frozen from trying again. */
export async function noteFailure(shelf: string, key: string, why: string): Promise<void> {
  const file = templateFailure(shelf, key)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFileAtomic(file, JSON.stringify({ why, at: new Date().toISOString() }), 0o600)
}

export async function forgetFailure(shelf: string, key: string): Promise<void> {
  await rm(templateFailure(shelf, key), { force: true })
}
