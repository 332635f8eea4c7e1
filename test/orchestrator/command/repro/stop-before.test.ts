import { describe, expect, it } from 'vitest'
import { parsePipeline } from '../../../../config/pipeline/parse-pipeline.ts'
import { stopBefore } from '../../../../orchestrator/command/repro/stop-before.ts'

const text = `
setup: [ "apt-get update", "apt-get install make" ]
steps:
  - { name: build, run: make }
  - { name: test, run: make test, shell: bash -e, env: { A: b } }
  - { name: pack, run: make pack }
artifacts: [ out ]
`
const [job] = parsePipeline({ file: 'p.yml', text }).jobs
if (job === undefined) throw new Error('expected a job')

/** The scripts that are run, setup first, and the one that comes next. */
function scripts(failed: number | undefined, through = false) {
  if (job === undefined) throw new Error('expected a job')
  const stopped = stopBefore(job, failed, through)
  expect(stopped.job.artifacts).toEqual([])
  return {
    runs: [...stopped.job.setup, '|', ...stopped.job.steps.map(({ run }) => run)].join(' '),
    next: stopped.next && `${stopped.next.index} ${stopped.next.step.name}: ${stopped.next.step.run}`,
  }
}

const setup = 'apt-get update apt-get install make'

describe('a past job', () => {
  it('is run as far as the step that failed, which is left for whoever comes in', () => {
    expect(scripts(3)).toEqual({ runs: `${setup} | make`, next: '3 test: make test' })
    expect(scripts(2)).toEqual({ runs: `${setup} |`, next: '2 build: make' })
    expect(stopBefore(job, 3, false).next?.step).toEqual(job.steps[1])
  })

  it('is run with that step where it is to be gone through, and without those after it', () => {
    expect(scripts(3, true)).toEqual({ runs: `${setup} | make make test`, next: undefined })
  })

  it('whose setup failed stops in the setup, and has no steps', () => {
    expect(scripts(1)).toEqual({ runs: 'apt-get update |', next: '1 setup 2: apt-get install make' })
    expect(scripts(1, true)).toEqual({ runs: `${setup} |`, next: undefined })
  })

  it('in which no step failed is run as it was', () => {
    expect(scripts(undefined)).toEqual({ runs: `${setup} | make make test make pack`, next: undefined })
  })
})
