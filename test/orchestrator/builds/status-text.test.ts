import { describe, expect, it } from 'vitest'
import { statusContext } from '../../../orchestrator/builds/status-context.ts'
import { buildStatusText, jobStatusText } from '../../../orchestrator/builds/status-text.ts'
import type { Build, BuildJob } from '../../../orchestrator/model/build.ts'
import { aBuild, aJob } from '../store/records.ts'
import { aPullRequest } from './build-world.ts'

const times = { started: '2026-01-01T00:00:00.000Z', ended: '2026-01-01T00:01:05.000Z' }
const job = (change: Partial<BuildJob>) => aJob('b', 'test', change)

describe('the words of a status', () => {
  it.each<[Partial<BuildJob>, string]>([
    [{ state: 'blocked', waiting: 'needs build' }, 'needs build'],
    [{ state: 'queued' }, 'queued'],
    [{ state: 'queued', attempt: 2 }, 'queued (attempt 2)'],
    [{ state: 'running', host: 'a' }, 'runs on a'],
    [{ state: 'passed', ...times }, 'passed in 1 m 05 s'],
    [{ state: 'failed', reason: 'step "x" exited with 1' }, 'failed: step "x" exited with 1'],
    [{ state: 'errored', failure: 'boot', reason: 'no disk' }, 'errored: boot: no disk'],
    [{ state: 'timed-out' }, 'timed-out'],
    [{ state: 'skipped', reason: 'needs a, which failed' }, 'skipped: needs a, which failed'],
  ])('of a job %j: %s', (change, text) => {
    expect(jobStatusText(job(change))).toBe(text)
  })

  it.each<[Partial<Build>, Partial<BuildJob>[], string]>([
    [{ state: 'queued' }, [{ state: 'queued' }], 'queued, 1 job'],
    [{ state: 'running' }, [{ state: 'passed' }, { state: 'running' }], 'runs, 1 of 2 jobs done'],
    [
      { state: 'passed', ...times },
      [{ state: 'passed' }, { state: 'skipped' }],
      '1 passed, 1 skipped in 1 m 05 s',
    ],
    [{ state: 'passed', ...times }, [{ state: 'passed' }], 'passed in 1 m 05 s'],
    [{ state: 'failed' }, [{ state: 'passed' }, { state: 'failed', reason: 'no' }], 'test failed: no'],
    [{ state: 'failed' }, [{ state: 'failed', reason: 'no' }], 'failed: no'],
    [{ state: 'errored', problem: 'a:1:2: x\na:3:4: y' }, [], 'a:1:2: x (and 1 more)'],
  ])('of a build %j with jobs %j: %s', (build, jobs, text) => {
    expect(buildStatusText(aBuild(build), jobs.map(job))).toBe(text)
  })
})

describe('statusContext', () => {
  const two = aBuild({ jobs: ['b-test', 'b-lint'] })
  const test = { name: 'test', state: 'queued' } as const

  it('is the build and each of its jobs, or the build alone where it has one job', () => {
    expect([statusContext(two), statusContext(two, test)]).toEqual(['mayfly', 'mayfly/test'])
    const single = aBuild({ jobs: ['b-test'] })
    expect([statusContext(single), statusContext(single, test)]).toEqual(['mayfly', undefined])
  })

  it('is another one for a pull request, which is on the same commit as its push', () => {
    const pull = { ...two, trigger: aPullRequest() }
    expect([statusContext(pull), statusContext(pull, test)]).toEqual(['mayfly-pr', 'mayfly-pr/test'])
  })

  it('says nothing of the whole where a part was asked for', () => {
    const part = { ...aBuild({ jobs: ['b-test'] }), only: ['test'] }
    expect([statusContext(part), statusContext(part, test)]).toEqual([undefined, 'mayfly/test'])
  })
})
