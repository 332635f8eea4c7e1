import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonNestsTooDeep } from '../../../orchestrator/forges/json-nests-too-deep.ts'
import { parseBody } from '../../../orchestrator/forges/parse-body.ts'

const parse = (contentType: string | undefined, body: string, forms = true) =>
  parseBody({ contentType, rawBody: Buffer.from(body), forms, depth: 8 })

describe('parseBody', () => {
  it('reads JSON, with or without a charset', () => {
    expect(parse('application/json', '{"a":1}')).toEqual({ ok: true, body: { a: 1 } })
    expect(parse('Application/JSON; charset=utf-8', '[]')).toEqual({ ok: true, body: [] })
  })

  it('reads the payload of a form only where the forge sends such', () => {
    const form = `payload=${encodeURIComponent('{"a":"ü+ &"}')}&other=1`
    expect(parse('application/x-www-form-urlencoded', form)).toEqual({ ok: true, body: { a: 'ü+ &' } })
    expect(parse('application/x-www-form-urlencoded', form, false)).toMatchObject({ ok: false, status: 415 })
    expect(parse('application/x-www-form-urlencoded', 'x=1')).toMatchObject({ ok: false, status: 400 })
  })

  it('says which type it expected', () => {
    expect(parse('text/plain', '{}')).toEqual({
      ok: false,
      status: 415,
      reason:
        'expected the content type application/json or application/x-www-form-urlencoded, got text/plain',
    })
    expect(parse(undefined, '{}')).toMatchObject({ ok: false, status: 415 })
  })

  it('refuses what is no JSON and what nests deeper than the bound', () => {
    expect(parse('application/json', '{"a":')).toMatchObject({ ok: false, status: 400 })
    expect(parse('application/json', '')).toMatchObject({ ok: false, status: 400 })
    expect(parse('application/json', '['.repeat(8) + ']'.repeat(8))).toMatchObject({ ok: true })
    expect(parse('application/json', '['.repeat(9) + ']'.repeat(9))).toMatchObject({ ok: false, status: 400 })
  })

  it('takes the last of two keys, as every reader of the value does, and no key for more than a key', () => {
    expect(parse('application/json', '{"a":1,"a":2}')).toEqual({ ok: true, body: { a: 2 } })
    const { body } = parse('application/json', '{"__proto__":{"polluted":1}}') as { body: object }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect((body as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('reads bytes that are no UTF-8 as replacement characters, within text alone', () => {
    const bytes = (text: string) => Buffer.from(text.replace('?', '\xff'), 'latin1')
    const read = (text: string) =>
      parseBody({ contentType: 'application/json', rawBody: bytes(text), forms: false, depth: 8 })
    expect(read('{"a":"?"}')).toEqual({ ok: true, body: { a: '\ufffd' } })
    expect(read('{?"a":1}')).toMatchObject({ ok: false, status: 400 })
  })

  it('refuses ten million brackets without falling over', () => {
    expect(parse('application/json', '[{"a":'.repeat(2_000_000))).toMatchObject({ ok: false, status: 400 })
  })
})

describe('jsonNestsTooDeep', () => {
  it('counts brackets as the parsed value nests, those in strings left out', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.nat(12), (value, most) => {
        expect(jsonNestsTooDeep(Buffer.from(JSON.stringify(value)), most)).toBe(depth(value) > most)
      }),
    )
    expect(jsonNestsTooDeep(Buffer.from('"[[[["'), 0)).toBe(false)
    expect(jsonNestsTooDeep(Buffer.from('"\\"[[[["'), 0)).toBe(false)
  })
})

function depth(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depth))
}
