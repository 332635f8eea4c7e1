import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../../images/package-root.ts'
import { createBench, expectNothingLeft } from '../mayfly.ts'

describe('npm run quickstart', () => {
  it('runs hello.yml in a fresh machine, and ends with the verdict and what to try next', async () => {
    const bench = await createBench()
    const { exitCode, all = '' } = await execa('npm', ['run', 'quickstart'], {
      cwd: packageRoot(),
      env: { MAYFLY_DATA: bench.data, MAYFLY_CONFIG: '', NO_COLOR: '1' },
      all: true,
      reject: false,
      stdin: 'ignore',
    })
    expect(all).toContain('Hello from a machine that was made for this job alone.')
    expect(all).toContain('The step before said 42.')
    expect(all).toMatch(/passed/)
    expect(all.slice(all.indexOf('passed'))).toContain('Try next:\n  npx mayfly run config/examples/')
    expect(exitCode).toBe(0)
    expect((await bench.records()).map(({ verdict }) => verdict)).toEqual(['passed'])
    await expectNothingLeft(bench)
  })
})
