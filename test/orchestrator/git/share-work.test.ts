import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { shareWork } from '../../../orchestrator/git/share-work.ts'

const signal = () => new AbortController().signal

describe('shareWork', () => {
  it('does once what many want at the same time, and again what is wanted later', async () => {
    const share = shareWork()
    let done = 0
    const work = async () => {
      await sleep(10)
      done++
    }
    await Promise.all([share('a', signal(), work), share('a', signal(), work), share('b', signal(), work)])
    expect(done).toBe(2)
    await share('a', signal(), work)
    expect(done).toBe(3)
  })

  it('tells everybody how it failed', async () => {
    const share = shareWork()
    const work = () => Promise.reject(new Error('no'))
    const results = await Promise.allSettled([share('a', signal(), work), share('a', signal(), work)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('goes on for who stays, and stops with the last who leaves; who comes then begins anew', async () => {
    const share = shareWork()
    const first = new AbortController()
    const second = new AbortController()
    const stopped: string[] = []
    const work = (name: string) => (inner: AbortSignal) =>
      new Promise<void>((resolve) => {
        inner.addEventListener('abort', () => stopped.push(name))
        setTimeout(resolve, 100)
      })
    const one = share('a', first.signal, work('old'))
    const two = share('a', second.signal, work('old'))
    first.abort(new Error('left'))
    await expect(one).rejects.toThrow('left')
    expect(stopped).toEqual([])
    second.abort(new Error('left too'))
    await expect(two).rejects.toThrow('left too')
    expect(stopped).toEqual(['old'])
    await share('a', signal(), work('new'))
  })
})
