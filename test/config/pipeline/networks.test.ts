import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'
import { readJob } from '../../../config/pipeline/read-job.ts'

const parse = (text: string) => parsePipeline({ file: 'p.yml', text }).jobs
const offline = (text: string) =>
  parse(text).map((job) => [
    job.network,
    job.offlineSetup === true,
    ...job.steps.map((step) => step.offline === true),
  ])

function problemsOf(text: string): string[] {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  throw new Error('expected problems, found none')
}

describe('the network of a job', () => {
  it('is one for all where it is one word', () => {
    expect(offline('setup: [s]\nsteps: [a, b]')).toEqual([['web', false, false, false]])
    expect(offline('network: none\nsetup: [s]\nsteps: [a]')).toEqual([['none', false, false]])
    expect(offline('network: internet\nsteps: [a]')).toEqual([['internet', false, false]])
  })

  it('can be there for the setup alone, or for the steps alone', () => {
    expect(offline('network: { setup: web, steps: none }\nsetup: [s]\nsteps: [a, b]')).toEqual([
      ['web', false, true, true],
    ])
    expect(offline('network: { setup: none }\nsetup: [s]\nsteps: [a]')).toEqual([['web', true, false]])
  })

  it('gives the machine no way out that no part of the job asks for', () => {
    expect(offline('network: { setup: web, steps: none }\nsteps: [a]')).toEqual([['none', false, false]])
    expect(offline('steps: [{ run: a, network: none }]')).toEqual([['none', false, false]])
  })

  it('can be another for a single step', () => {
    expect(offline('steps: [a, { run: b, network: none }]')).toEqual([['web', false, false, true]])
    expect(offline('network: none\nsteps: [a, { run: b, network: web }]')).toEqual([
      ['web', false, true, false],
    ])
  })

  it('is shared by jobs as everything else is', () => {
    const text =
      'network: { steps: none }\njobs: { a: { steps: [x], setup: [s] }, b: { steps: [x], network: web } }'
    expect(offline(text)).toEqual([
      ['web', false, true],
      ['web', false, false],
    ])
  })

  it('is still so after the job was planned and read back', () => {
    const [job] = parse('network: { setup: none }\nsetup: [s]\nsteps: [a, { run: b, network: none }]')
    const again = readJob(JSON.parse(JSON.stringify(job)))
    expect([again.offlineSetup, again.steps.map((step) => step.offline)]).toEqual([true, [undefined, true]])
  })
})

describe('what is wrong with a network', () => {
  it('is said with its place: a mode that there is not, for a part and for a step', () => {
    const [, ...problems] = problemsOf('steps: [a]\nnetwork: { setup: internet, step: none }')
    expect(problems.join('\n')).toContain('2:19: network.setup: expected one of none ')
    expect(problems.join('\n')).toMatch(/2:29: network: .*"step".*"steps"/)
    expect(problemsOf('steps: [{ run: a, network: internet }]').join('\n')).toMatch(
      /1:28: steps\[0\]\.network: expected one of none .*found "internet"/,
    )
  })

  it('is a step with one of its own where the job is let out altogether', () => {
    const said = 'expected no network of its own in a job with `network: internet`'
    expect(
      problemsOf('network: internet\nsteps:\n  - a\n  - run: b\n    network: none').join('\n'),
    ).toContain(`5:14: steps[1].network: ${said}`)
    expect(
      problemsOf('network: internet\njobs:\n  x:\n    steps:\n      - { run: b, network: web }').join('\n'),
    ).toContain(`5:28: jobs.x.steps[0].network: ${said}`)
  })
})
