import { describe, expect, it } from 'vitest'
import { createTurns } from '../../../../orchestrator/http/logs/turns.ts'

const large = 64 * 1024

describe('turns of followers', () => {
  it('come in the order in which they were asked for', async () => {
    const turn = createTurns()
    const order: number[] = []
    await Promise.all(Array.from({ length: 50 }, (_, index) => turn(large).then(() => order.push(index))))
    expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index))
  })

  it('leave others their time however many want one, and do not make a single one wait', async () => {
    const turn = createTurns()
    const started = performance.now()
    await turn(large)
    expect(performance.now() - started).toBeLessThan(1_000)
    // 20 MB at 64 MB a second.
    await Promise.all(Array.from({ length: 320 }, () => turn(large)))
    expect(performance.now() - started).toBeGreaterThan(200)
  })

  it('are many where little is sent', async () => {
    const turn = createTurns()
    let others = 0
    const timer = setInterval(() => others++, 1)
    await Promise.all(Array.from({ length: 2_000 }, () => turn(100)))
    clearInterval(timer)
    expect(others).toBeGreaterThan(5)
  })
})
