import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { variantName } from '../../../orchestrator/builds/variant-name.ts'

describe('variantName', () => {
  it('joins the job and the values in lower case, with a dash for what is no letter or digit', () => {
    expect(variantName({ job: 'test', values: ['1.20', 'Debug'], taken: new Set() })).toBe('test-1-20-debug')
  })

  it('numbers a name that is there already', () => {
    const taken = new Set(['test-1'])
    expect(variantName({ job: 'test', values: ['1'], taken })).toBe('test-1-2')
    expect(variantName({ job: 'test', values: ['1'], taken })).toBe('test-1-3')
  })

  it('keeps any values within a name that fits a job, and never gives one twice', () => {
    const lists = fc.array(fc.array(fc.string({ maxLength: 90 }), { maxLength: 4 }), { maxLength: 30 })
    fc.assert(
      fc.property(lists, (variants) => {
        const taken = new Set(['test'])
        const names = variants.map((values) => variantName({ job: 'test', values, taken }))
        expect(new Set(['test', ...names]).size).toBe(names.length + 1)
        for (const name of names) expect(name).toMatch(/^[a-z0-9][a-z0-9_-]{0,62}$/)
      }),
    )
  })
})
