import { expect, it } from 'vitest'
import { steadyDate } from '../../../orchestrator/holds/steady-date.ts'

const start = Date.parse('2026-01-02T03:00:00.000Z')
const day = 86_400_000
const hour = 3_600_000

function anHourFromNow() {
  let wall = start
  let steady = 0
  const until = steadyDate({ ms: hour, now: () => new Date(wall), monotonic: () => steady })
  return {
    left: () => until().getTime() - wall,
    told: () => until().toISOString(),
    pass: (ms: number) => {
      wall += ms
      steady += ms
    },
    setClock: (ms: number) => {
      wall += ms
    },
  }
}

it('is one date as long as nobody sets the clock', () => {
  const { told, pass } = anHourFromNow()
  expect(told()).toBe('2026-01-02T04:00:00.000Z')
  pass(hour / 2 + 7)
  expect(told()).toBe('2026-01-02T04:00:00.000Z')
})

it.each([day, -day])('is as far away as before where the clock is set by %i ms', (jump) => {
  const { left, pass, setClock } = anHourFromNow()
  pass(hour / 4)
  setClock(jump)
  expect(left()).toBe((hour * 3) / 4)
  pass(hour)
  expect(left()).toBe(-hour / 4)
})
