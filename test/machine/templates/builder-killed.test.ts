import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { killAt } from '../kill-at.ts'
import { createBench, qemuProcesses } from '../mayfly.ts'

const build = ['templates', 'build', '--memory', '512MiB'] as const

/** What a builder can be in the middle of. */
const moments: Record<string, (data: string) => Promise<boolean>> = {
  'before QEMU runs': async (data) => (await filesAtWork(data)).length > 0,
  'while the guest boots': async (data) => (await qemuProcesses(data)).length > 0,
  'while it freezes': async (data) => (await filesAtWork(data)).includes('state'),
  'before it is in its place': async (data) => (await filesAtWork(data)).includes('disk.qcow2'),
}

describe('a builder that is killed', () => {
  it('at any moment leaves nothing that would be taken for a template, and nobody waiting', async () => {
    const bench = await createBench({ templates: 'own' })
    for (const [moment, isNow] of Object.entries(moments)) {
      // What the one before left at work is not to be taken for this one's.
      await rm(workIn(bench.data), { recursive: true, force: true })
      await killAt({
        start: () => bench.mayfly(build),
        isNow: () => isNow(bench.data),
        again: () => bench.mayfly(['templates', 'rm', 'all']),
      })
      await vi.waitFor(async () => expect(await qemuProcesses(bench.data), moment).toEqual([]), {
        timeout: 120_000,
      })
      const { stdout } = await bench.mayfly(['templates', 'ls', '--json'])
      expect(JSON.parse(stdout), moment).toEqual([])
    }
    const built = await bench.mayfly(build)
    expect(built.exitCode, built.all).toBe(0)
    const run = await bench.run('resources: { memory: 512MiB }\nnetwork: none\nsteps: [ { run: "true" } ]\n')
    expect(run.record?.machine?.strategy).toBe('template')
    expect(run.record?.verdict).toBe('passed')
  })
})

const workIn = (data: string) => join(data, 'templates', '.work')

async function filesAtWork(data: string): Promise<string[]> {
  const work = workIn(data)
  const folders = await readdir(work).catch(() => [])
  return (await Promise.all(folders.map((name) => readdir(join(work, name)).catch(() => [])))).flat()
}
