import { describe, expect, it } from 'vitest'
import { typeInWords } from '../../../config/generate/type-in-words.ts'

describe('typeInWords', () => {
  it.each([
    [{ type: 'string' }, 'text'],
    [{ type: 'boolean' }, 'true/false'],
    [{ title: 'size', type: ['string', 'number'] }, 'size'],
    [{ enum: ['a', 'b', 'c'], type: 'string' }, '`a`, `b` or `c`'],
    [{ type: 'array', items: { $ref: '#/$defs/step' } }, 'list of [step](#step)'],
    [{ anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }, 'text; or a list'],
    [{ anyOf: [{ type: 'string' }, { $ref: '#/$defs/step' }] }, 'text or [step](#step)'],
    [{ type: 'object', additionalProperties: { type: 'integer' } }, 'mapping of names to whole number'],
  ])('calls %j %j', (schema, words) => {
    expect(typeInWords(schema)).toBe(words)
  })
})
