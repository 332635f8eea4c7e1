import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { timeLimit } from '../../runner/time-limit.ts'

const never = new AbortController().signal

describe('timeLimit', () => {
  it('aborts when its time is over, with its reason', async () => {
    const limit = timeLimit(never, 30, 'this took longer than 0.03 s')
    expect([limit.signal.aborted, limit.isOver()]).toEqual([false, false])
    await sleep(60)
    expect([limit.signal.aborted, limit.isOver()]).toEqual([true, true])
    expect(String(limit.signal.reason)).toContain('this took longer than 0.03 s')
  })

  it('aborts with the signal that it was made from, which is no time limit', () => {
    const stop = new AbortController()
    const limit = timeLimit(stop.signal, 10_000)
    stop.abort(new Error('cancelled'))
    expect(limit.signal.reason).toEqual(new Error('cancelled'))
    expect(limit.isOver()).toBe(false)
    limit.clear()
  })

  it('lets go of its timer when what it limited is done', async () => {
    const limit = timeLimit(never, 30)
    limit.clear()
    await sleep(60)
    expect(limit.signal.aborted).toBe(false)
  })

  it('aborts although nobody holds it, where AbortSignal.timeout would be collected and never fire', async () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    let fired = 0
    for (let count = 0; count < 20; count++)
      timeLimit(never, 100).signal.addEventListener('abort', () => fired++)
    for (let round = 0; round < 4; round++) {
      collect()
      await sleep(10)
    }
    await expect.poll(() => fired).toBe(20)
  })
})
