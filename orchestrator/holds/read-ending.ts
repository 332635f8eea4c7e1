import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { recordName } from '../../runner/job/filenames.ts'
import type { Ending } from './hold-parts.ts'

/** What is kept of the job beside its machine. */
export async function readEnding(folder: string): Promise<Ending> {
  const text = await readFile(join(folder, recordName), 'utf8').catch(() => '{}')
  return JSON.parse(text) as Ending
}
