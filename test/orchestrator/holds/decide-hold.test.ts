import { describe, expect, it } from 'vitest'
import type { HostDebug } from '../../../config/host/host-config.ts'
import type { Job } from '../../../config/pipeline/pipeline.ts'
import { decideHold } from '../../../orchestrator/holds/decide-hold.ts'
import type { OptIn } from '../../../orchestrator/holds/opt-ins.ts'
import type { BuildJob } from '../../../orchestrator/model/build.ts'
import { aPullRequest, aTrigger } from '../builds/build-world.ts'
import { aBuild, aJob } from '../store/records.ts'

type Asked = Parameters<typeof decideHold>[0]
type On = Job['debug']['on']

const hostDebug: HostDebug = {
  listen: { host: '127.0.0.1', port: 0 },
  address: undefined,
  slots: 1,
  perRepository: 1,
  longest: 30_000,
  parked: { quota: 2 ** 30, maxAge: 86_400_000 },
}
const optIn: OptIn = { by: 'ann', at: '2026-01-01T00:00:00.000Z', keys: [] }

function aJobThat(on: On, change: Partial<BuildJob> = {}, hold = 20_000, how = 'hold'): BuildJob {
  const job = { name: 'main', debug: { on, how, hold }, retry: { max: 1, on: ['boot'] } } as unknown as Job
  return aJob('b1', 'main', { ...change, job })
}

/** The decision where everything speaks for a hold but what is different. */
function decide(change: Partial<Asked> = {}) {
  return decideHold({
    debug: hostDebug,
    build: aBuild(),
    job: aJobThat('failure'),
    optIn,
    record: { verdict: 'failed', failure: undefined },
    secrets: { DEPLOY: 'the-deploy-secret' },
    ...change,
  })
}

const none = { kind: 'none', why: undefined }

describe('decideHold', () => {
  const verdicts = ['passed', 'failed', 'errored', 'timed-out', 'cancelled'] as const
  const kept: Record<On, readonly string[]> = {
    failure: ['failed', 'errored', 'timed-out'],
    always: ['passed', 'failed', 'errored', 'timed-out'],
    never: [],
  }
  it.each(
    (['failure', 'always', 'never'] as const).flatMap((on) => verdicts.map((verdict) => ({ on, verdict }))),
  )(
    'AC50: with `on: $on` and a job that $verdict keeps what was asked for and says nothing of the rest',
    (row) => {
      const decision = decide({ job: aJobThat(row.on), record: { verdict: row.verdict, failure: undefined } })
      const isKept = kept[row.on].includes(row.verdict)
      expect(decision).toEqual(isKept ? { kind: 'hold', ms: 20_000 } : none)
    },
  )

  it.each([
    ['code from a fork', { build: { trigger: aPullRequest({ fork: true }) } }, 'from a fork'],
    ['a host without `debug:`', { debug: undefined }, 'has no `debug:`'],
    ['a repository without opt-in', { optIn: undefined }, 'mayfly repos debug'],
    ['a secret that is too short', { secrets: { PIN: '1234567', DEPLOY: '12345678' } }, 'secret PIN'],
  ] as const)(
    'refuses %s with the reason, and says nothing of it where nobody asked',
    (_what, change, why) => {
      expect(decide(change)).toEqual({ kind: 'none', why: expect.stringContaining(why) })
      expect(decide({ ...change, job: aJobThat('never') })).toEqual(none)
      expect(decide({ ...change, record: { verdict: 'passed', failure: undefined } })).toEqual(none)
    },
  )

  it('never repeats a secret in its reason', () => {
    expect(JSON.stringify(decide({ secrets: { PIN: '1234567' } }))).not.toContain('1234567')
  })

  it('keeps the pull request of a branch of the repository itself', () => {
    expect(decide({ build: { trigger: aPullRequest({ fork: false }) } }).kind).toBe('hold')
    expect(decide({ build: { trigger: aTrigger() } }).kind).toBe('hold')
  })

  it('leaves an errored job alone that is tried again by itself, and keeps its last attempt', () => {
    const record = { verdict: 'errored', failure: 'boot' } as const
    expect(decide({ record })).toEqual(none)
    expect(decide({ record, job: aJobThat('always') })).toEqual(none)
    expect(decide({ record, job: aJobThat('failure', { attempt: 2 }) }).kind).toBe('hold')
    expect(decide({ record: { verdict: 'errored', failure: 'config' } }).kind).toBe('hold')
  })

  it('is parked where its pipeline file says so, and then held for no longer than that', () => {
    expect(decide({ job: aJobThat('failure', {}, 20_000, 'park') })).toEqual({ kind: 'park', ms: 20_000 })
  })

  it('holds for no longer than the host allows', () => {
    const msOf = (hold: number) => decide({ job: aJobThat('failure', {}, hold) })
    expect(msOf(29_999)).toMatchObject({ ms: 29_999 })
    expect(msOf(30_001)).toMatchObject({ ms: 30_000 })
    expect(msOf(Number.MAX_SAFE_INTEGER)).toMatchObject({ ms: 30_000 })
  })
})

describe('a retry that somebody wants to look into', () => {
  const debug = { by: 'ann', at: '2026-01-01T00:00:00.000Z' }

  it('is held where it fails, though its pipeline file does not ask, and not where it passes', () => {
    const job = aJobThat('never', { debug })
    expect(decide({ job })).toEqual({ kind: 'hold', ms: 20_000 })
    expect(decide({ job, record: { verdict: 'passed', failure: undefined } })).toEqual(none)
    expect(decide({ job: aJobThat('never') })).toEqual(none)
  })

  it('needs somebody who may enter, and is never code from a fork', () => {
    const job = aJobThat('never', { debug })
    expect(decide({ job, optIn: undefined })).toMatchObject({
      kind: 'none',
      why: expect.stringContaining('nobody'),
    })
    const build = aBuild({ trigger: aPullRequest({ fork: true }) })
    expect(decide({ job, build })).toMatchObject({ kind: 'none', why: 'it is code from a fork' })
  })
})
