import { describe, expect, it } from 'vitest'
import { planFleet } from './fleet-plan.ts'

const options = { hosts: 200, jobs: 20_000, killPercent: 10, freezePercent: 5, seed: 3 }

describe('planFleet', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(planFleet(options)).toEqual(planFleet(options))
    expect(planFleet({ ...options, seed: 4 })).not.toEqual(planFleet(options))
  })

  it('has all jobs, half of them of one repository that wants them at once', () => {
    const { builds, repositories } = planFleet(options)
    const jobsOf = (kind: string) =>
      builds.filter(({ repository }) => repository.kind === kind).reduce((all, { jobs }) => all + jobs, 0)
    expect(repositories).toHaveLength(50)
    expect(builds.reduce((all, { jobs }) => all + jobs, 0)).toBe(20_000)
    expect(jobsOf('flood')).toBeGreaterThanOrEqual(10_000)
    expect(jobsOf('flood')).toBeLessThan(10_050)
    expect(builds.filter(({ repository, after }) => repository.kind === 'flood' && after > 0)).toEqual([])
    expect(builds.some(({ after }) => after > 0)).toBe(true)
  })

  it('has every host once, kills a tenth of them, of whom half return, and has others stand still', () => {
    const { processes } = planFleet(options)
    const names = processes.flatMap((one) => one.names)
    expect(new Set(names).size).toBe(200)
    const killed = processes.filter(({ dies }) => dies !== undefined)
    expect(killed.flatMap((one) => one.names)).toHaveLength(20)
    expect(killed.filter(({ returns }) => returns !== undefined)).toHaveLength(1)
    const frozen = processes.filter(({ freezes }) => freezes !== undefined)
    expect(frozen.flatMap((one) => one.names)).toHaveLength(10)
    expect(frozen.filter(({ dies }) => dies !== undefined)).toEqual([])
  })

  it('kills one process at least where any is to be killed, and none where none is', () => {
    const few = { ...options, hosts: 8, killPercent: 1 }
    expect(planFleet(few).processes.filter(({ dies }) => dies !== undefined)).toHaveLength(1)
    const none = planFleet({ ...options, killPercent: 0, freezePercent: 0 }).processes
    expect(none.filter(({ dies, freezes }) => dies !== undefined || freezes !== undefined)).toEqual([])
  })
})
