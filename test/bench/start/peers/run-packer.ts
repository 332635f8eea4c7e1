import { join } from 'node:path'
import { execa } from 'execa'
import type { StartFigures } from '../contender.ts'
import { mark } from './mark.ts'

type RunPacker = {
  readonly program: string
  readonly template: string
  /** For its cache and whatever else it writes. */
  readonly folder: string
}

/** One build, from its process's start to its end; throws with the end of what it said where it fails. */
export async function runPacker({ program, template, folder }: RunPacker): Promise<StartFigures> {
  const began = performance.now()
  const packer = execa(program, ['build', '-color=false', template], {
    // It would ask its makers for a newer version of itself.
    env: { CHECKPOINT_DISABLE: '1', PACKER_CACHE_DIR: join(folder, 'cache'), TMPDIR: folder },
    stdin: 'ignore',
    all: true,
    reject: false,
    timeout: 20 * 60_000,
    forceKillAfterDelay: 30_000,
  })
  const at = new Map<string, number>()
  for await (const line of packer.iterable({ from: 'all' })) {
    for (const text of ['Connected to SSH!', mark])
      if (line.includes(text) && !at.has(text)) at.set(text, (performance.now() - began) / 1000)
  }
  const { exitCode, all } = await packer
  const firstByte = at.get(mark)
  if (exitCode !== 0 || firstByte === undefined)
    throw new Error(`packer ended with ${exitCode}: ${String(all).slice(-2000)}`)
  return { ssh: at.get('Connected to SSH!'), first_byte: firstByte }
}
