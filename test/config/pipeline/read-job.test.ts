import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'
import { readJob } from '../../../config/pipeline/read-job.ts'

const text = `
image: debian-12
resources: { cpus: 2, memory: 1GiB }
env: { A: b }
setup: apt-get update
setup_files: [ package.json ]
steps:
  - { name: build, run: make, timeout: 5m, shell: bash -e, env: { C: d } }
  - make test
network: none
secrets: [ TOKEN ]
debug: { on: failure }
artifacts: [ out ]
priority: 7
`

describe('a job that was planned before', () => {
  it('comes back from JSON with all that decides what it does, and nothing of what decides when', () => {
    const [job] = parsePipeline({ file: 'p.yml', text }).jobs
    const read = readJob(JSON.parse(JSON.stringify(job)))
    expect(read).toEqual({
      ...job,
      artifacts: [],
      priority: 0,
      debug: { on: 'never', how: 'hold', hold: 0 },
      retry: { max: 0, on: [] },
    })
  })

  it.each([
    [undefined, 'something else'],
    [{ name: 'x' }, 'resources'],
    [{ ...parsePipeline({ file: 'p.yml', text }).jobs[0], network: 'all' }, 'network'],
  ])('is refused where it is none, with what is wrong: %#', (value, where) => {
    expect(() => readJob(value)).toThrow(ConfigError)
    expect(() => readJob(value)).toThrow(`got ${where}`)
  })
})
