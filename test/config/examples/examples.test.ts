import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadPipeline } from '../../../config/pipeline/load-pipeline.ts'

const folder = join(import.meta.dirname, '../../../config/examples')
const examples = readdirSync(folder)

describe('the examples', () => {
  it('has a first job, one that takes a whole machine and one that builds a program', () => {
    expect(examples).toEqual(
      expect.arrayContaining(['hello.yml', 'whole-machine.yml', 'build-from-source.yml']),
    )
  })

  it.each(examples)('loads %s, whose scripts are all valid sh', async (name) => {
    const { jobs } = await loadPipeline({ file: join(folder, name) })
    for (const { setup, steps } of jobs) {
      for (const script of [...setup, ...steps.map(({ run }) => run)]) {
        execFileSync('sh', ['-n'], { input: script, stdio: ['pipe', 'pipe', 'pipe'] })
      }
      for (const { name: stepName } of steps) expect(stepName).not.toBe('')
    }
  })

  it('brings the program and, in any case, the report back from the build', async () => {
    const { jobs } = await loadPipeline({ file: join(folder, 'build-from-source.yml') })
    expect(jobs[0]?.artifacts).toEqual([
      { path: 'out/bzip2', when: 'success' },
      { path: 'out/report.txt', when: 'always' },
    ])
  })
})
