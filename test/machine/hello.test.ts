import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBench, expectNothingLeft } from './mayfly.ts'

describe('a job in a real machine', () => {
  it('passes, with its output in the log once and nothing left behind', async () => {
    const bench = await createBench()
    await writeFile(join(bench.work, 'greeting.txt'), 'from the repository\n')
    const run = await bench.run(`
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
  - run: cat greeting.txt
  - run: echo marker-$((40 + 2))
`)
    expect(run.output).toContain('passed')
    expect(run.code).toBe(0)
    expect(run.record?.verdict).toBe('passed')
    expect(run.log.split('from the repository\n')).toHaveLength(2)
    expect(run.log.split('marker-42')).toHaveLength(2)
    expect(run.console).toContain('Linux version')
    await expectNothingLeft(bench)
  })
})
