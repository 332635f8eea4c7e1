import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findCircles } from '../../../config/pipeline/find-circles.ts'

describe('findCircles', () => {
  it('finds none where jobs only wait for earlier ones', () => {
    const edges = fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { maxLength: 60 })
    fc.assert(
      fc.property(edges, (pairs) => {
        const needs = new Map<string, string[]>(Array.from({ length: 21 }, (_, job) => [`${job}`, []]))
        for (const [a, b] of pairs) if (a !== b) needs.get(`${Math.max(a, b)}`)?.push(`${Math.min(a, b)}`)
        expect(findCircles(needs)).toEqual([])
      }),
    )
  })

  it('gives only real circles, and leaves none when a job of each is taken away', () => {
    const edges = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 30 })
    fc.assert(
      fc.property(edges, (pairs) => {
        const needs = new Map<string, string[]>(Array.from({ length: 10 }, (_, job) => [`${job}`, []]))
        for (const [a, b] of pairs) needs.get(`${a}`)?.push(`${b}`)
        const circles = findCircles(needs)
        for (const circle of circles) {
          for (const [index, job] of circle.entries()) {
            expect(needs.get(job)).toContain(circle[(index + 1) % circle.length])
          }
        }
        const inCircles = new Set(circles.flat())
        expect(findCircles(new Map([...needs].filter(([job]) => !inCircles.has(job))))).toEqual([])
      }),
    )
  })

  it('leaves out the jobs that only wait for a circle', () => {
    const needs = new Map([
      ['tail', ['a']],
      ['a', ['b']],
      ['b', ['a', 'unknown']],
    ])
    expect(findCircles(needs)).toEqual([['a', 'b']])
  })

  it('follows a very long chain without exhausting the stack', () => {
    const chain = new Map(Array.from({ length: 50_000 }, (_, job) => [`${job}`, [`${job + 1}`]]))
    expect(findCircles(chain)).toEqual([])
  })
})
