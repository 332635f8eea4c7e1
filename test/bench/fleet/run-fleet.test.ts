import { expect, it } from 'vitest'
import { runFleet } from './run-fleet.ts'

const times = { lock: 3000, stalledCheck: 1000, heartbeat: 1000, stale: 4000, frozen: 12_000 }
const minute = 60_000

it(
  'a fleet of which hosts are killed, come late and stand still brings each job to one verdict of its own',
  async () => {
    const outcome = await runFleet({
      ...{ hosts: 20, jobs: 400, killPercent: 25, freezePercent: 25, seed: 2 },
      ...{ times, profile: undefined, say: () => undefined },
    })
    const { lost, doubled, left, hosts, killed, jobs, retried, verdicts, kinds } = outcome
    expect({ lost, doubled, left }).toEqual({ lost: [], doubled: [], left: [] })
    expect({ hosts, killed, jobs }).toEqual({ hosts: 20, killed: 5, jobs: 400 })
    // Those that were killed and those that stood still had jobs.
    expect(retried).toBeGreaterThan(1)
    expect(Object.values(verdicts).reduce((all, count) => all + count, 0)).toBe(400)
    expect(kinds.map(({ kind, jobs: count }) => [kind, count > 0])).toEqual([
      ['flood', true],
      ['usual', true],
      ['double', true],
      ['urgent', true],
    ])
    expect(outcome.inLine.p99).toBeGreaterThanOrEqual(outcome.inLine.p50)
    expect(outcome.fairness).toBeGreaterThan(0)
    expect(outcome.fairness).toBeLessThanOrEqual(1)
  },
  5 * minute,
)
