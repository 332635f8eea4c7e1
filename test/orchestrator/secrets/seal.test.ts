import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyIdOf, newSecretsKey, seal, unseal } from '../../../orchestrator/secrets/seal.ts'

const key = newSecretsKey()
const place = { scope: 'github:owner/name', name: 'TOKEN' }

describe('seal', () => {
  it('gives back any text to who has the key and the place', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), fc.string(), (value, scope, name) => {
        expect(unseal(key, { scope, name }, seal(key, { scope, name }, value))).toBe(value)
      }),
    )
  })

  it('never gives the same twice', () => {
    const sealed = new Set(Array.from({ length: 100 }, () => seal(key, place, 'same')))
    expect(sealed.size).toBe(100)
  })

  it('says which key opens it and nothing of the value', () => {
    const sealed = seal(key, place, 'hunter2')
    expect(keyIdOf(sealed)).toBe(key.id)
    expect(Buffer.from(sealed.split(':')[2] ?? '', 'base64').toString('latin1')).not.toContain('hunter2')
  })

  it('does not open with another key, in another scope or under another name', () => {
    const sealed = seal(key, place, 'hunter2')
    expect(() => unseal(newSecretsKey(), place, sealed)).toThrow()
    expect(() => unseal(key, { ...place, scope: 'host' }, sealed)).toThrow()
    expect(() => unseal(key, { ...place, name: 'OTHER' }, sealed)).toThrow()
  })

  it('does not open when a single bit was changed, or when its end is missing', () => {
    const [version, id, data = ''] = seal(key, place, 'hunter2').split(':')
    const bytes = Buffer.from(data, 'base64')
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const changed = Buffer.from(bytes)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(() => unseal(key, place, `${version}:${id}:${changed.toString('base64')}`)).toThrow()
      }),
    )
    for (let length = 0; length < bytes.length; length++) {
      const short = bytes.subarray(0, length).toString('base64')
      expect(() => unseal(key, place, `${version}:${id}:${short}`)).toThrow()
    }
  })
})
