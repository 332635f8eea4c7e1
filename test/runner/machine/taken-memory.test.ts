import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { takenMemory } from '../../../runner/machine/taken-memory.ts'

const MiB = 2 ** 20

/** A folder like /proc with one process in it. */
async function procWith(pid: number, status: string): Promise<string> {
  const proc = await mkdtemp(join(tmpdir(), 'mayfly-proc-'))
  onTestFinished(() => rm(proc, { recursive: true }))
  await mkdir(join(proc, String(pid)))
  await writeFile(join(proc, String(pid), 'status'), status)
  return proc
}

const status = `Name:\tqemu-system-x86
VmRSS:\t  665600 kB
RssAnon:\t  102400 kB
RssFile:\t   51200 kB
RssShmem:\t  512000 kB
VmSwap:\t   10240 kB
`

it.each([
  ['a machine of its own memory', false, 610 * MiB],
  ['a clone, whose shared pages are its template’s', true, 110 * MiB],
])('the memory that %s has taken is counted, swapped out or not', async (_what, cloned, bytes) => {
  expect(await takenMemory({ pid: 7, cloned }, await procWith(7, status))).toBe(bytes)
})

it.each([
  ['a process that has just ended', 'Name:\tqemu-system-x86\nState:\tZ (zombie)\n', 7],
  ['no process', status, 8],
])('nothing is taken by %s', async (_what, text, pid) => {
  expect(await takenMemory({ pid, cloned: false }, await procWith(7, text))).toBe(0)
})
