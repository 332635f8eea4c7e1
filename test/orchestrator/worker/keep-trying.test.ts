import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { keepTrying } from '../../../orchestrator/worker/keep-trying.ts'

const log = pino({ level: 'silent' })
const away = () => new Error('Connection is closed.')

/** Fails so many times with an error, then gives `done`. */
function failing(times: number, error: () => Error) {
  const tries: number[] = []
  const work = async () => {
    tries.push(tries.length)
    if (tries.length <= times) throw error()
    return 'done'
  }
  return { tries, work }
}

describe('keepTrying', () => {
  it('gives the answer that comes once Redis is back', async () => {
    const { work, tries } = failing(3, away)
    expect(await keepTrying({ what: 'a try', work, isOver: () => false, log })).toBe('done')
    expect(tries).toHaveLength(4)
  })

  it('waits for a Redis that loads its files, and not for one that says no', async () => {
    const replied = (message: string) => () => Object.assign(new Error(message), { name: 'ReplyError' })
    const loading = failing(1, replied('LOADING Redis is loading the dataset in memory'))
    expect(await keepTrying({ what: 'a try', work: loading.work, isOver: () => false, log })).toBe('done')
    const refused = failing(1, replied('WRONGTYPE Operation against a key'))
    const trying = keepTrying({ what: 'a try', work: refused.work, isOver: () => false, log })
    await expect(trying).rejects.toThrow('WRONGTYPE')
    expect(refused.tries).toHaveLength(1)
  })

  it('ends with the last error when it is of no use any more, or took too long', async () => {
    const lost = failing(100, away)
    const isOver = () => lost.tries.length === 2
    await expect(keepTrying({ what: 'a try', work: lost.work, isOver, log })).rejects.toThrow('closed')
    const long = failing(100, away)
    const bounded = keepTrying({ what: 'a try', work: long.work, isOver: () => false, log, mostMs: 300 })
    await expect(bounded).rejects.toThrow('closed')
    expect(long.tries.length).toBeLessThan(6)
  })
})
