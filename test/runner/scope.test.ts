import { describe, expect, it } from 'vitest'
import { Scope } from '../../runner/scope.ts'

describe('Scope', () => {
  it('releases what was acquired, the last first, each waited for', async () => {
    const scope = new Scope()
    const order: string[] = []
    for (const name of ['folder', 'key', 'process']) {
      await scope.defer(name, async () => {
        await new Promise((resolve) => setImmediate(resolve))
        order.push(name)
      })
    }
    expect(await scope.close()).toEqual([])
    expect(order).toEqual(['process', 'key', 'folder'])
  })

  it('releases the rest when one cannot be released, and says which', async () => {
    const scope = new Scope()
    const order: string[] = []
    const fault = new Error('EBUSY')
    await scope.defer('first', () => order.push('first'))
    await scope.defer('stuck', () => Promise.reject(fault))
    await scope.defer('last', () => order.push('last'))
    expect(await scope.close()).toEqual([{ what: 'stuck', error: fault }])
    expect(order).toEqual(['last', 'first'])
  })

  it('releases once, however often it is closed', async () => {
    const scope = new Scope()
    let released = 0
    await scope.defer('thing', () => released++)
    await Promise.all([scope.close(), scope.close()])
    await scope.close()
    expect(released).toBe(1)
  })

  it('releases at once what comes when it is closed already', async () => {
    const scope = new Scope()
    await scope.close()
    let released = 0
    await scope.defer('late', () => released++)
    expect(released).toBe(1)
  })

  it('releases, too, what comes while it is being closed', async () => {
    const scope = new Scope()
    const order: string[] = []
    await scope.defer('early', async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      order.push('early')
    })
    const closing = scope.close()
    await scope.defer('late', () => order.push('late'))
    await closing
    expect(order.sort()).toEqual(['early', 'late'])
  })
})
