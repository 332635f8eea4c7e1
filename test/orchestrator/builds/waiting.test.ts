import { describe, expect, it } from 'vitest'
import { median } from '../../../orchestrator/builds/past-durations.ts'
import { waitingJobs } from '../../../orchestrator/builds/waiting-jobs.ts'
import { waitingReason } from '../../../orchestrator/builds/waiting-reason.ts'
import { aRepository } from './a-repository.ts'
import { aTrigger, buildWorld } from './build-world.ts'

const GiB = 2 ** 30
const small = { cpus: 2, memory: 2 * GiB, disk: GiB }
const job = {
  state: 'queued',
  waiting: undefined,
  resources: small,
  repository: 'gitea:mayfly/hello',
  attempt: 1,
} as const
const host = { id: 'a', cpus: 4, memory: 4 * GiB }
const large = { id: 'rack-2', cpus: 8, memory: 64 * GiB, labels: ['gpu', 'kvm'], away: true }
const anySize = { cpus: Number.POSITIVE_INFINITY, memory: Number.POSITIVE_INFINITY }
const big = { ...job, resources: { ...small, cpus: 8 } }
const look = (change: Partial<Parameters<typeof waitingReason>[0]> = {}) =>
  waitingReason({ job, ahead: 0, running: [], capacities: [host], repository: aRepository(), ...change })

describe('waitingReason', () => {
  it.each([
    ['next, about to be taken by a host', {}],
    ['no host is there to run it', { capacities: [] }],
    ['no host that is there can take 2 cpus and 2 GiB', { capacities: [{ ...host, cpus: 1 }] }],
    [
      'no host that is there can take 8 cpus and 2 GiB; rack-2, which is away, could take it',
      { job: big, capacities: [host, large], ahead: 3 },
    ],
    [
      'no host that is there can take 8 cpus and 2 GiB; rack-2 and rack-3, which are away, could take it',
      {
        job: big,
        capacities: [host, large, { ...large, id: 'rack-3' }, { ...large, ...anySize, id: 'rack-4' }],
      },
    ],
    [
      'no host that is there can take 8 cpus and 2 GiB; rack-2, which is away, may be able to take it',
      { job: big, capacities: [host, { ...large, ...anySize }] },
    ],
    [
      'no host that is there can take 8 cpus and 2 GiB',
      { job: big, capacities: [host, { ...large, cpus: 7 }] },
    ],
    ['no host is there to run it; rack-2, which is away, could take it', { job: big, capacities: [large] }],
    [
      'waits for a host with gpu, kvm; rack-2, which is away, could take it',
      { job: { ...job, runsOn: ['gpu', 'kvm'] }, capacities: [host, large] },
    ],
    ['waits for a host with tpu', { job: { ...job, runsOn: ['tpu'] }, capacities: [host, large] }],
    [
      'next, waits for room: it asks for 2 cpus and 2 GiB, free are 0 cpus and 4 GiB',
      {
        capacities: [host, large],
        running: [{ host: 'a', resources: { cpus: 4, memory: 0, disk: 1 }, repository: 'x' }],
      },
    ],
    ['a takes no jobs for now: full', { capacities: [{ ...host, pressure: 'full' }, large] }],
    ['1 job is before it', { ahead: 1 }],
    ['waits for a host with gpu, kvm', { job: { ...job, runsOn: ['gpu', 'kvm'] }, ahead: 2 }],
    [
      'b takes no jobs for now: full',
      {
        job: { ...job, runsOn: ['gpu'] },
        capacities: [host, { ...host, id: 'b', labels: ['gpu'], pressure: 'full' }],
      },
    ],
    [
      'next, waits for room: it asks for 2 cpus and 2 GiB, free are 0 cpus and 2 GiB',
      {
        job: { ...job, runsOn: ['gpu'] },
        capacities: [host, { ...host, id: 'b', labels: ['gpu'] }],
        running: [{ host: 'b', resources: { cpus: 4, memory: 2 * GiB, disk: 1 }, repository: 'x' }],
      },
    ],
    ['a takes no jobs for now: full', { capacities: [{ ...host, pressure: 'full' }], ahead: 3 }],
    ['next, about to be taken by a host', { capacities: [host, { ...host, id: 'b', pressure: 'full' }] }],
    ['waits for memory', { job: { ...job, waiting: 'waits for memory' } }],
    ['3 jobs are before it', { ahead: 3 }],
    ['needs build, lint', { job: { ...job, state: 'blocked' as const, waiting: 'needs build, lint' } }],
    [
      'next, waits for room: it asks for 2 cpus and 2 GiB, free are 1 cpu and 2 GiB',
      { running: [{ host: 'a', resources: { cpus: 3, memory: 2 * GiB, disk: 1 }, repository: 'x' }] },
    ],
    [
      'gitea:mayfly/hello runs 1 job, of at most 1 at a time',
      {
        repository: aRepository({ limits: { running: 1, queued: 9, matrix: 9 } }),
        running: [{ host: 'a', resources: small, repository: 'gitea:mayfly/hello' }],
      },
    ],
  ])('says: %s', (reason, change) => {
    expect(look(change)).toBe(reason)
  })
})

describe('median', () => {
  it('is the middle value, or the mean of the middle two', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([4, 1, 2, 9])).toBe(3)
  })
})

describe('waitingJobs', () => {
  it('lists the line with places, reasons and estimates from earlier runs, then what is blocked', async () => {
    const world = await buildWorld({
      file: 'jobs:\n  a: { resources: { cpus: 8 }, steps: [x] }\n  b: { needs: a, steps: [x] }',
    })
    const create = async () =>
      (await world.builds.create({ repository: world.repository, trigger: aTrigger() })).build?.id
    const first = await create()
    const running = await world.start(`${first}-a`)
    const started = Date.parse((await world.store.jobs.get(running.id))?.started ?? '')
    await world.end(running, { verdict: 'passed' })
    const took = Date.parse((await world.store.jobs.get(running.id))?.ended ?? '') - started
    await world.builds.cancel({ job: `${first}-b` }, 'ann')
    const [second, third] = [await create(), await create()]
    const waiting = await waitingJobs(world.parts, 10)
    expect(
      waiting.map(({ job, position, reason, estimate }) => ({ job, position, reason, estimate })),
    ).toEqual([
      { job: `${second}-a`, position: 1, reason: 'next, about to be taken by a host', estimate: 0 },
      { job: `${third}-a`, position: 2, reason: '1 job is before it', estimate: took },
      { job: `${second}-b`, position: 3, reason: 'needs a', estimate: undefined },
      { job: `${third}-b`, position: 4, reason: 'needs a', estimate: undefined },
    ])
    expect(await waitingJobs(world.parts, 1)).toHaveLength(1)
  })
})
