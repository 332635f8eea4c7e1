import { describe, expect, it } from 'vitest'
import { checkFleet, type FleetView } from '../../../../orchestrator/command/doctor/check-fleet.ts'
import { protocol } from '../../../../orchestrator/hosts/protocol.ts'
import type { HostStatus } from '../../../../orchestrator/model/queue-view.ts'

const heard = '2026-01-05T03:04:05.000Z'
const none = { items: [], more: 0 }
const holding = (...names: string[]) => ({
  images: { items: names.map((name) => ({ name, digest: 'sha256:aa' })), more: 0 },
  ...{ templates: none, checkpoints: none },
})
const host = (name: string, change: Partial<HostStatus> = {}): HostStatus => ({
  ...{ name: `${name}-1`, computer: name, labels: ['kvm', 'x86_64'], version: '0.3.0', protocol },
  accel: { kind: 'kvm', reason: 'a kernel spoke' },
  ...{ cpus: { total: 4, taken: 0 }, memory: { total: 1, taken: 0 }, running: [] },
  ...{ holds: holding('debian'), clock: heard, heard, stale: false },
  ...change,
})
const check = (hosts: HostStatus[], more: Partial<FleetView> = {}) =>
  checkFleet({ hosts, waiting: [], images: [], ...more })
/** What is found of a host beside one of which nothing is wrong. */
const found = (change: Partial<HostStatus>, more: Partial<FleetView> = {}) =>
  check([host('a', change), host('b')], more).filter(({ name }) => name === 'a-1')

describe('checkFleet', () => {
  it('finds nothing wrong with hosts that are up and alike', () => {
    expect(check([host('a'), host('b')]).map(({ state }) => state)).toEqual(['good', 'good'])
  })

  it('says that there is no host at all', () => {
    expect(check([])).toMatchObject([{ state: 'missing', mend: 'mayfly serve --role worker, on a host' }])
  })

  it.each<[string, Partial<HostStatus>, object]>([
    [
      'that is silent, and only that',
      { stale: true, running: ['job'], clock: '2020-01-01T00:00:00.000Z' },
      {
        ...{ state: 'missing', found: `silent since ${heard}, its jobs are lost: job` },
        mend: expect.stringContaining('mayfly hosts remove a-1'),
      },
    ],
    [
      'that is short',
      { pressure: '/data has 1 GiB free' },
      { state: 'missing', found: 'takes no jobs: /data has 1 GiB free' },
    ],
    [
      'that was cordoned three days ago',
      { cordon: { by: 'ann', at: '2026-01-02T03:04:05.000Z', why: 'a new disk' } },
      {
        ...{ state: 'missing', found: 'takes no jobs: cordoned by ann: a new disk, 72 h 00 m ago' },
        mend: 'mayfly hosts uncordon a',
      },
    ],
    ['that was cordoned just now', { cordon: { by: 'ann', at: heard } }, { state: 'weak' }],
    [
      'whose clock is behind',
      { clock: '2026-01-05T03:03:05.000Z' },
      {
        ...{ state: 'missing', found: 'its clock is 1 m 00 s behind that of Redis' },
        mend: 'on it: timedatectl set-ntp true',
      },
    ],
    [
      'of an earlier version',
      { version: '0.2.10' },
      { state: 'weak', found: 'Mayfly 0.2.10, b-1 has 0.3.0' },
    ],
    [
      'that others cannot talk to',
      { protocol: protocol + 2 },
      { state: 'missing', found: expect.stringContaining('they misunderstand each other') },
    ],
    [
      'without KVM where others have it',
      { labels: ['x86_64'], accel: { kind: 'tcg', reason: 'no /dev/kvm on this host' } },
      { state: 'weak', found: 'no KVM, which b-1 has: no /dev/kvm on this host' },
    ],
  ])('finds a host %s', (_what, change, finding) => {
    expect(found(change)).toMatchObject([finding])
  })

  it('finds an image that others have, and says how it gets there', () => {
    const images = [{ name: 'debian', source: 'build' as const }]
    expect(found({ holds: holding() }, { images })).toMatchObject([
      { state: 'weak', mend: 'on it: mayfly images build debian' },
    ])
    expect(found({ holds: holding('debian', 'more') })).toMatchObject([{ state: 'good' }])
  })

  it('finds labels that waiting jobs ask for and no host has that is there', () => {
    const waiting = [{ job: 'one', runsOn: ['gpu'] }, { job: 'two', runsOn: ['gpu'] }, { job: 'three' }]
    const hosts = [host('a'), host('b', { labels: ['gpu'], stale: true })]
    expect(check(hosts, { waiting }).at(-1)).toMatchObject({
      ...{ name: 'labels', state: 'missing' },
      found: '2 jobs wait for a host with gpu, and none is there',
    })
    expect(check([host('a', { labels: ['gpu'] })], { waiting })).toHaveLength(1)
  })

  it('asks nothing of a host of a version that says nothing', () => {
    const old: HostStatus = {
      ...{ name: 'old-1', cpus: { total: 1, taken: 0 }, memory: { total: 1, taken: 0 }, running: [] },
      ...{ heard, stale: false },
    }
    expect(check([old])).toMatchObject([
      { state: 'good', found: 'up, Mayfly of an early version, 0 running' },
    ])
  })
})
