import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { memoryKills } from '../../../runner/machine/memory-kills.ts'

async function procWith(vmstat: string): Promise<string> {
  const proc = await mkdtemp(join(tmpdir(), 'mayfly-proc-'))
  onTestFinished(() => rm(proc, { recursive: true }))
  await writeFile(join(proc, 'vmstat'), vmstat)
  return proc
}

it('what the host killed for want of memory is read from its kernel’s counters', async () => {
  expect(memoryKills(await procWith('nr_free_pages 8\noom_kill 12\noom_kill_other 3\n'))).toBe(12)
})

it('a kernel that does not count them, or does not tell, has killed none', async () => {
  expect(memoryKills(await procWith('nr_free_pages 8\n'))).toBe(0)
  expect(memoryKills('/nonexistent')).toBe(0)
})
