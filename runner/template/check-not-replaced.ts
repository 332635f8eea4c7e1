import { InfraError } from '../../config/errors.ts'
import { fingerprintOf } from './manifest.ts'
import type { Template } from './template.ts'

/**
 * Refuses a template in whose place another lies by now: whoever opened its files one after the other may have the
 * memory of one and the devices of the other. One that is gone was opened whole, or not at all.
 *
 * @throws {InfraError} `boot`
 */
export async function checkNotReplaced({ key, paths, manifest }: Template): Promise<void> {
  for (const name of ['disk', 'ram', 'state'] as const) {
    const found = await fingerprintOf(paths[name]).catch(() => undefined)
    if (found === undefined || found.ino === manifest.files[name].ino) continue
    throw new InfraError('boot', `${key} was replaced by another just now`)
  }
}
