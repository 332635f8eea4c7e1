import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A program that stands in for QEMU, and the folder it is in; gone after the test. */
export async function fakeQemu(script: string): Promise<{ binary: string; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-probe-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const binary = join(folder, 'qemu')
  await writeFile(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return { binary, folder }
}
