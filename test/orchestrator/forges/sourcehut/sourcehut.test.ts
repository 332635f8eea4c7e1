import { describe, expect, it } from 'vitest'
import { createSourcehut } from '../../../../orchestrator/forges/sourcehut/sourcehut.ts'
import { sourcehutAlias, sourcehutQuery } from '../../../../orchestrator/forges/sourcehut/sourcehut-query.ts'
import { fixture } from '../fixture.ts'

const event = 'GIT_POST_RECEIVE'

describe('sourcehut', () => {
  const forge = createSourcehut()

  it('reads each ref that a push moved, and finds the names that SourceHut does not say of new ones', () => {
    const body = fixture('sourcehut-post-receive')
    expect(forge.repositoryName(body)).toBe('~ada/scopes')
    const readings = forge.read({ event, body })
    expect(readings).toHaveLength(5)
    expect(readings[0]).toMatchObject({
      kind: 'trigger',
      trigger: { event: 'push', branch: 'master', title: 'Grind the lens', author: 'Ada', actor: '~ada' },
    })
    expect(readings[1]).toMatchObject({
      kind: 'trigger',
      trigger: { ref: 'refs/heads/fresh', before: undefined },
    })
    expect(readings[2]).toMatchObject({
      kind: 'trigger',
      trigger: {
        event: 'tag',
        tag: '1.0',
        sha: 'c0ffee0000000000000000000000000000000001',
        title: 'scopes 1.0',
      },
    })
    expect(readings[3]).toMatchObject({
      kind: 'ignored',
      reason: expect.stringContaining('does not say its name'),
    })
    expect(readings[4]).toEqual({ kind: 'ignored', reason: 'a ref was deleted' })
  })

  it('ignores other events and answers to other queries', () => {
    expect(forge.read({ event: 'REPO_UPDATE', body: {} })).toMatchObject([{ kind: 'ignored' }])
    expect(forge.read({ event, body: { data: { webhook: { uuid: 'x' } } } })).toMatchObject([
      { kind: 'ignored', reason: expect.stringContaining("expected the answer to the hook's query") },
    ])
  })

  it('keeps no statuses', () => {
    expect(forge.keepsStatuses).toBe(false)
  })

  it('refuses a public key that is none', () => {
    expect(() => createSourcehut({ publicKey: 'c2hvcnQ=' })).toThrow(
      /expected base64 of the 32 bytes .* got 5 bytes/,
    )
  })
})

describe('sourcehut verifies', () => {
  // Key and signatures made with `openssl genpkey -algorithm ed25519` and `openssl pkeyutl -sign -rawin`.
  const forge = createSourcehut({ publicKey: 'F7k4oR71tCjbnmwxnX2pFpELfzsn06Rs/gf6ysjiMWA=' })
  const signature = 'ZzQ5CC6bRVThEyrwDYKzbe+2JpCEsRlKDgwv+q0wuma8mMoOw8CxPCd8jU2UMKixUggU6pPvJivYa0fa9Mh/DQ=='
  const body = '{"data":{"webhook":{"mayfly_4f281ef8e0d12db75885d5c8d6431959":"u"}}}'
  const nonce = '5f3e1c0a9b8d7e6f'
  type Change = { headers?: Record<string, string | undefined>; body?: string; secret?: string }
  const verify = (change: Change = {}, by = forge) =>
    by.verify({
      headers: { 'x-payload-signature': signature, 'x-payload-nonce': nonce, ...change.headers },
      rawBody: Buffer.from(change.body ?? body),
      secret: change.secret ?? 'hut-secret',
      now: new Date(),
    })

  it("Ed25519 over body and nonce, by the instance's own key", () => {
    expect(verify()).toBe(true)
    expect(verify({ body: body.replace('"u"', '"v"') })).toMatch(/wrong X-Payload-Signature/)
    expect(verify({ headers: { 'x-payload-nonce': '5f3e1c0a9b8d7e60' } })).toMatch(
      /wrong X-Payload-Signature/,
    )
    expect(verify({ headers: { 'x-payload-signature': 'AAAA' } })).toMatch(/wrong X-Payload-Signature/)
    expect(verify({}, createSourcehut())).toMatch(/wrong X-Payload-Signature/)
    expect(verify({ headers: { 'x-payload-nonce': undefined } })).toMatch(
      /no signature: expected the headers/,
    )
  })

  it("that the hook is the repository's own, as any user of the instance gets such signatures", () => {
    expect(verify({ secret: 'other' })).toMatch(/does not carry this repository's alias/)
    const foreign = {
      body: '{"data":{"webhook":{"uuid":"u"}}}',
      headers: {
        'x-payload-signature':
          '/hiclpFHa2WMw+jcy4ZpGYjRSl28itOcnfNzzXsDaZ1LzQXSTlzE4pBnCyO6r0FOYHSFEHp5By/f7SZs3E5bCA==',
      },
    }
    expect(verify(foreign)).toMatch(/does not carry this repository's alias/)
  })

  it('the alias that the query to make the hook with asks for', () => {
    expect(sourcehutAlias('hut-secret')).toBe('mayfly_4f281ef8e0d12db75885d5c8d6431959')
    expect(sourcehutQuery('hut-secret')).toContain('mayfly_4f281ef8e0d12db75885d5c8d6431959: uuid')
    expect(sourcehutQuery('hut-secret')).not.toContain('hut-secret')
  })
})
