import { describe, expect, it } from 'vitest'
import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'
import { problemsIn } from '../problems-in.ts'

const jobsOf = (text: string) => parsePipeline({ file: '.mayfly.yml', text }).jobs
const form = 'a label such as kvm, gpu or rack-2 (lower-case letters, digits, dots, underscores and dashes)'

describe('runs_on of a pipeline file', () => {
  it('is one label or a list, and says nothing where it is not given', () => {
    expect(jobsOf('runs_on: kvm\nsteps: [x]')[0]?.runsOn).toEqual(['kvm'])
    expect(jobsOf('runs_on: [kvm, rack-2]\nsteps: [x]')[0]?.runsOn).toEqual(['kvm', 'rack-2'])
    expect(jobsOf('steps: [x]')[0]).not.toHaveProperty('runsOn')
  })

  it('is for all jobs where it stands beside them, unless a job says it for itself', () => {
    const jobs = jobsOf('runs_on: kvm\njobs:\n  a: { steps: [x] }\n  b: { runs_on: [], steps: [x] }')
    expect(jobs.map(({ runsOn }) => runsOn)).toEqual([['kvm'], []])
  })

  it('may be completed by values of a matrix, and by nothing else', () => {
    const text = (label: string) => `matrix: { arch: [x86_64] }\nruns_on: "\${${label}}"\nsteps: [x]`
    expect(jobsOf(text('matrix.arch'))[0]?.runsOn).toEqual([`\${matrix.arch}`])
    expect(problemsIn(text('arch'))[0]).toContain(`2:10: runs_on: expected ${form}`)
  })

  it('refuses what is no label, and more of them than a host may have', () => {
    expect(problemsIn('runs_on: [GPU]\nsteps: [x]')).toEqual([
      `1:11: runs_on[0]: expected ${form}, found "GPU"`,
    ])
    const many = Array.from({ length: 51 }, (_, index) => `l${index}`)
    expect(problemsIn(`runs_on: [${many.join(', ')}]\nsteps: [x]`)[0]).toContain('expected at most 50 labels')
  })
})
