import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEventMasker } from '../../../runner/job/event-masker.ts'

const verdict = (evidence: readonly string[]) => ({
  ...{ type: 'verdict', verdict: 'errored', failure: 'guest-panic', hint: undefined, evidence },
  reason: 'it said hunter22, twice: hunter22',
})
const mask = createEventMasker(['hunter22', 'first line\nsecond line'])

describe('an event', () => {
  it('tells no secret in its sentences, nor in the lines that show it, nor across them', () => {
    const told = mask(verdict(['the token is hunter22', 'first line', 'second line', 'and on']) as never)
    expect(told).toMatchObject({ reason: 'it said ***, twice: ***' })
    expect(JSON.stringify(told)).not.toMatch(/hunter22|first line|second line/)
    expect(told).toMatchObject({ evidence: expect.arrayContaining(['the token is ***', 'and on']) })
  })

  it('tells nothing of a secret that its line would be cut in', () => {
    fc.assert(
      fc.property(fc.integer({ min: 280, max: 310 }), (before) => {
        const line = `${'x'.repeat(before)}hunter22 and more`
        const { evidence } = mask(verdict([line]) as never) as { evidence: string[] }
        expect(evidence[0]?.length).toBeLessThanOrEqual(300)
        expect(evidence[0]).not.toMatch(/hu|er22/)
        const finding = { type: 'finding', kind: 'guest-panic', sentence: 's', line } as const
        expect(mask(finding).line).toBe(evidence[0])
      }),
    )
  })

  it('has the last 8 lines at most, and none where there are none', () => {
    const many = Array.from({ length: 20 }, (_, index) => `line ${index}`)
    expect(mask(verdict(many) as never)).toMatchObject({ evidence: many.slice(-8) })
    expect(mask(verdict([]) as never)).toMatchObject({ evidence: [] })
  })

  it('is as it was where there are no secrets', () => {
    const event = { type: 'note', message: 'hello' } as const
    expect(createEventMasker([])(event)).toBe(event)
  })
})
