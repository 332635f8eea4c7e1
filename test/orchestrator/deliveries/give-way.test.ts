import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createGiveWay } from '../../../orchestrator/deliveries/give-way.ts'

const forever = 600_000

/** Works of the first kind that end when they are told to. */
function busy(giveWay: ReturnType<typeof createGiveWay>, count: number): (() => void)[] {
  return Array.from({ length: count }, () => {
    const ended = new AbortController()
    void giveWay.first(() => once(ended.signal, 'abort'))
    return () => ended.abort()
  })
}

describe('giving way', () => {
  it('costs nothing while little is under way', async () => {
    const giveWay = createGiveWay({ most: 2, patience: forever })
    busy(giveWay, 2)
    await giveWay.turn()
  })

  it('lasts until there is room, for all who wait', async () => {
    const giveWay = createGiveWay({ most: 1, patience: forever })
    const [end, endNext] = busy(giveWay, 3)
    let done = 0
    const turns = [giveWay.turn(), giveWay.turn()].map((turn) => turn.then(() => done++))
    end?.()
    await sleep(20)
    expect(done).toBe(0)
    endNext?.()
    await Promise.all(turns)
    expect(done).toBe(2)
  })

  it('has a bound, so that a server that is always busy gets on with its work', async () => {
    const giveWay = createGiveWay({ most: 0, patience: 30 })
    busy(giveWay, 5)
    await giveWay.turn()
  })

  it('counts work that failed as ended', async () => {
    const giveWay = createGiveWay({ most: 0, patience: forever })
    const failing = giveWay.first(() => Promise.reject(new Error('no store')))
    const turn = giveWay.turn()
    await expect(failing).rejects.toThrow('no store')
    await turn
  })
})
