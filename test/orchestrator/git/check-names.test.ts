import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { branchOf, checkRef, checkSha, tagOf } from '../../../orchestrator/git/check-names.ts'

function isRef(ref: string): boolean {
  try {
    checkRef(ref)
    return true
  } catch {
    return false
  }
}

describe('checkRef', () => {
  it.each([
    'refs/heads/main',
    'refs/heads/feature/ü-1',
    'refs/tags/v1.0',
    'refs/pull/7/head',
    'refs/merge-requests/7/head',
    'refs/heads/-x',
    'refs/heads/@',
  ])('takes %s', (ref) => {
    expect(isRef(ref)).toBe(true)
  })

  it('takes nothing that git itself refuses', () => {
    const part = fc.string({
      unit: fc.constantFrom(...'ab-.@{}~^:?*[\\/ \n\u0001ü', '.lock', '..'),
      maxLength: 6,
    })
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), (parts) => {
        const ref = `refs/${parts.join('/')}`
        if (!isRef(ref)) return
        expect(spawnSync('git', ['check-ref-format', ref]).status, ref).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  it('refuses what is not below refs, and what no file can be called', () => {
    for (const ref of ['HEAD', 'main', '', '--all', 'refs', 'refs/', `refs/heads/${'x'.repeat(300)}`]) {
      expect(isRef(ref)).toBe(false)
    }
  })
})

describe('checkSha', () => {
  it('takes whole ids of both kinds and nothing else', () => {
    for (const sha of ['a'.repeat(40), '0123456789abcdef'.repeat(4)])
      expect(() => checkSha(sha)).not.toThrow()
    for (const sha of [
      '',
      'a'.repeat(39),
      'a'.repeat(41),
      'A'.repeat(40),
      `${'a'.repeat(40)}\n`,
      '0'.repeat(40),
    ]) {
      expect(() => checkSha(sha)).toThrow(/expected a commit/)
    }
  })
})

describe('branchOf and tagOf', () => {
  it('know what a full name is', () => {
    expect([branchOf('refs/heads/a/b'), tagOf('refs/heads/a/b')]).toEqual(['a/b', undefined])
    expect([branchOf('refs/tags/v1'), tagOf('refs/tags/v1')]).toEqual([undefined, 'v1'])
    expect([branchOf('refs/pull/7/head'), tagOf('refs/pull/7/head')]).toEqual([undefined, undefined])
  })
})
