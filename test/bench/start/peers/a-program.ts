import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A shell script that stands in for a peer's program, in a folder of its own that goes with the test. */
export async function aProgram(script: string): Promise<{ program: string; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-peer-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const program = join(folder, 'program')
  await writeFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return { program, folder }
}
