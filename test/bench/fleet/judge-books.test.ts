import { describe, expect, it } from 'vitest'
import { judgeBooks } from './judge-books.ts'

const line = (state: string, attempt = 1) => ({ id: 'a', state, attempt, at: 0 })
const once = [line('queued'), line('claimed'), line('running'), line('ran'), line('passed')]
const again = [
  ...[line('queued'), line('claimed'), line('errored')],
  ...[line('blocked', 2), line('queued', 2), line('claimed', 2), line('ran', 2), line('passed', 2)],
]

describe('judgeBooks', () => {
  it('finds nothing where each job has one verdict, also after an attempt that was lost with its host', () => {
    expect(judgeBooks(['a'], once)).toEqual({ lost: [], doubled: [], retried: 0 })
    expect(judgeBooks(['a'], again)).toEqual({ lost: [], doubled: [], retried: 1 })
  })

  it('names jobs that came to no verdict, or that nobody heard of', () => {
    const { lost } = judgeBooks(['a', 'b'], again.slice(0, -1))
    expect(lost).toEqual(['a is claimed', 'b is nowhere'])
  })

  it('names a second verdict on the same attempt', () => {
    const { doubled } = judgeBooks(['a'], [...once, line('running'), line('passed')])
    expect(doubled).toEqual(['attempt 1 of a ended as passed and as passed'])
  })

  it('names a verdict that a run gave which the attempt was not of', () => {
    const stolen = again.filter(({ state, attempt }) => !(state === 'ran' && attempt === 2))
    expect(judgeBooks(['a'], stolen).doubled).toEqual(['attempt 2 of a got the verdict of another run'])
  })

  it('names an attempt that was made after one had passed', () => {
    const { doubled } = judgeBooks(['a'], [...once, ...again.slice(3)])
    expect(doubled).toEqual(['attempt 2 of a was made after attempt 1 had passed'])
  })
})
