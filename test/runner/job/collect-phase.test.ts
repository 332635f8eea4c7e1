import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { liveJob, readKept } from './live-job.ts'

const pipeline = `
steps: [ make ]
artifacts:
  - { path: 'dist/*', when: success }
  - { path: core, when: failure }
  - { path: 'results/**', when: always }
`

const files = {
  'dist/app.tar.gz': 'app',
  core: 'dumped',
  'results/unit/a.xml': '<a/>',
  'results/run.sh': { content: '#!/bin/sh\n', mode: 0o755 },
}

describe('the artifacts', () => {
  it('of a job that passed are those for success and those for always', async () => {
    const { record } = await liveJob({ pipeline, files })
    expect(record.verdict).toBe('passed')
    expect(record.artifacts.map(({ path }) => path)).toEqual([
      'dist/app.tar.gz',
      'results/run.sh',
      'results/unit/a.xml',
    ])
  })

  it('of a job that failed are those for failure and those for always', async () => {
    const lived = await liveJob({ pipeline, files, steps: { make: { exits: 2 } } })
    expect(lived.record.verdict).toBe('failed')
    expect(lived.record.artifacts.map(({ path }) => path)).toEqual([
      'core',
      'results/run.sh',
      'results/unit/a.xml',
    ])
    expect(await readKept(lived, 'artifacts/core')).toBe('dumped')
    expect(await readdir(join(lived.folder, 'artifacts'))).not.toContain('dist')
  })

  it('that were not found are a note, not a failure', async () => {
    const { record, events } = await liveJob({ pipeline: 'steps: [ make ]\nartifacts: [ nothing.txt ]' })
    expect(record.verdict).toBe('passed')
    const notes = events.flatMap((event) => (event.type === 'note' ? [event.message] : []))
    expect(notes).toContain('artifact "nothing.txt": nothing matches it')
  })

  it('that a link leads out of the working directory for are a note, too', async () => {
    const { record, events, folder } = await liveJob({
      pipeline: 'steps: [ make ]\nartifacts: [ loot ]',
      files: { loot: { link: '/etc/shadow' }, '/etc/shadow': 'root:x' },
    })
    expect(record).toMatchObject({ verdict: 'passed', artifacts: [] })
    expect(await readdir(join(folder, 'artifacts'))).toEqual([])
    expect(JSON.stringify(events)).toContain('a link that leaves /home/ci/work')
  })
})

describe('a failure to collect', () => {
  it.each([
    ['their number', { artifact_count: 2 }, /expected at most 2 artifacts, got more/],
    ['their size', { artifact_bytes: '10B' }, /expected at most 10 B of artifacts, got more/],
  ])('because of %s makes a passed job errored', async (_, limits, reason) => {
    const { record, machine } = await liveJob({
      pipeline: "steps: [ make ]\nartifacts: [ 'results/**' ]",
      files: { 'results/1': '12345', 'results/2': '12345', 'results/3': '12345' },
      host: { limits },
    })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'collect' })
    expect(record.reason).toMatch(reason)
    expect(record.artifacts.map(({ path }) => path)).toEqual(['results/1', 'results/2'])
    expect(machine?.destroyed).toEqual(['now'])
  })

  it('that nobody foresaw is of class collect', async () => {
    const { record } = await liveJob({ pipeline, files, faults: { stat: new Error('a strange server') } })
    expect(record).toMatchObject({
      verdict: 'errored',
      failure: 'collect',
      reason: 'the artifacts could not be fetched: a strange server',
    })
  })

  it('leaves a failed job its own verdict', async () => {
    const { record, events } = await liveJob({
      pipeline,
      files,
      steps: { make: { exits: 2 } },
      faults: { stat: new InfraError('ssh-lost', 'the machine let nobody in again within 60 s') },
    })
    expect(record).toMatchObject({ verdict: 'failed', reason: 'step "make" ended with exit code 2' })
    expect(JSON.stringify(events)).toContain('artifacts were not collected: the machine let nobody in')
  })

  it('is not even risked where the connection was lost: asking would only wait for it again', async () => {
    const { record, machine } = await liveJob({
      pipeline,
      files,
      steps: { make: { instead: new InfraError('ssh-lost', 'the machine let nobody in again within 60 s') } },
    })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'ssh-lost', artifacts: [] })
    expect(machine?.calls).toEqual(['prepare', 'upload', 'runStep', 'destroy'])
  })

  it('after the machine’s end does not hide that end', async () => {
    const { record } = await liveJob({
      pipeline,
      files,
      steps: { make: { instead: { kind: 'guest-panic', message: 'it panicked' } } },
    })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'guest-panic', artifacts: [] })
  })
})
