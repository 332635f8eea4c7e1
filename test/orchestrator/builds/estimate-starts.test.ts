import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { estimateStarts } from '../../../orchestrator/builds/estimate-starts.ts'

const size = (cpus: number) => ({ cpus, memory: 1, disk: 1 })
const capacities = [{ id: 'a', cpus: 4, memory: 100 }]
const one = (cpus: number, duration: number | undefined) => ({ resources: size(cpus), duration })

describe('estimateStarts', () => {
  it('begins what there is room for at once, and the next when that ends', () => {
    const line = [one(2, 1000), one(2, 3000), one(2, 500), one(4, 100)]
    expect(estimateStarts({ capacities, running: [], line })).toEqual([0, 0, 1000, 3000])
  })

  it('waits for the rest of what runs', () => {
    const running = [{ host: 'a', resources: size(4), remaining: 700 }]
    expect(estimateStarts({ capacities, running, line: [one(1, 10)] })).toEqual([700])
  })

  it('takes the host that is free first', () => {
    const two = [...capacities, { id: 'b', cpus: 4, memory: 100 }]
    const running = [
      { host: 'a', resources: size(4), remaining: 900 },
      { host: 'b', resources: size(4), remaining: 300 },
    ]
    expect(estimateStarts({ capacities: two, running, line: [one(4, 100), one(4, 100)] })).toEqual([300, 400])
  })

  it('waits for a host with the labels of a job, whatever others have free', () => {
    const two = [...capacities, { id: 'b', cpus: 4, memory: 100, labels: ['gpu'] }]
    const running = [{ host: 'b', resources: size(4), remaining: 300 }]
    const line = [
      { ...one(1, 10), runsOn: ['gpu'] },
      { ...one(1, 10), runsOn: ['kvm'] },
    ]
    expect(estimateStarts({ capacities: two, running, line })).toEqual([300, undefined])
  })

  it('knows nothing of what comes after a job that nobody has seen run', () => {
    const line = [one(4, undefined), one(4, 100), one(4, 100)]
    expect(estimateStarts({ capacities, running: [], line })).toEqual([0, undefined, undefined])
  })

  it('passes over a job that no host can take', () => {
    expect(estimateStarts({ capacities, running: [], line: [one(5, 1), one(4, 1)] })).toEqual([undefined, 0])
    expect(estimateStarts({ capacities: [], running: [], line: [one(1, 1)] })).toEqual([undefined])
  })

  it('gives no room of a host that is away or cordoned, for nobody knows how long', () => {
    const away = { id: 'b', cpus: 8, memory: 100, away: true }
    const cordoned = { id: 'c', cpus: 8, memory: 100, cordoned: true }
    const line = [one(8, 1), one(4, 1), one(4, 1)]
    expect(estimateStarts({ capacities: [...capacities, away, cordoned], running: [], line })).toEqual([
      undefined,
      0,
      1,
    ])
  })

  it('never has more at once on a host than it holds, nor one before another that is ahead of it', () => {
    const job = fc.record({ cpus: fc.integer({ min: 1, max: 4 }), duration: fc.integer({ min: 1, max: 50 }) })
    fc.assert(
      fc.property(fc.array(job, { maxLength: 20 }), (jobs) => {
        const line = jobs.map(({ cpus, duration }) => one(cpus, duration))
        const starts = estimateStarts({ capacities, running: [], line }).map((start) => start ?? -1)
        expect(starts.toSorted((a, b) => a - b)).toEqual(starts)
        for (const at of starts) {
          const busy = jobs.filter((_, index) => {
            const start = starts[index] ?? -1
            return start <= at && at < start + (jobs[index]?.duration ?? 0)
          })
          expect(busy.reduce((sum, { cpus }) => sum + cpus, 0)).toBeLessThanOrEqual(4)
        }
      }),
    )
  })
})
