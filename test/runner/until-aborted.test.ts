import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { untilAborted } from '../../runner/until-aborted.ts'

const never = new Promise<never>(() => undefined)

describe('untilAborted', () => {
  it('gives what the promise gives, and leaves nothing on the signal', async () => {
    const { signal } = new AbortController()
    expect(await untilAborted(Promise.resolve(7), signal)).toBe(7)
    await expect(untilAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('rejects with the reason of the abort, although the promise never settles', async () => {
    const stop = new AbortController()
    const waiting = untilAborted(never, stop.signal)
    stop.abort(new Error('cancelled'))
    await expect(waiting).rejects.toThrow('cancelled')
  })

  it('rejects at once where it is aborted already', async () => {
    await expect(untilAborted(never, AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
  })

  it('does not let a failure after the abort go unhandled', async () => {
    const stop = new AbortController()
    const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('late')), 10))
    const waiting = untilAborted(late, stop.signal)
    stop.abort(new Error('cancelled'))
    await expect(waiting).rejects.toThrow('cancelled')
    await new Promise((resolve) => setTimeout(resolve, 30))
  })
})
