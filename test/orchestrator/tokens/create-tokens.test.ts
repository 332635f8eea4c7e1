import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { createTokens } from '../../../orchestrator/tokens/create-tokens.ts'
import { hasScope, type TokenScope, type Tokens } from '../../../orchestrator/tokens/token.ts'
import { isTokenText, newTokenText } from '../../../orchestrator/tokens/token-text.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let server: RealRedis
let redis: Redis
let tokens: Tokens
let time: Date

beforeAll(async () => {
  server = await startRedis()
  redis = server.connect()
  tokens = createTokens({ redis, prefix: 'test', now: () => time })
})
afterAll(() => server.stop())
beforeEach(async () => {
  await redis.flushall()
  time = new Date('2026-07-01T12:03:00Z')
})

describe('createTokens', () => {
  it('makes a token that is known by its text alone', async () => {
    const { token, text } = await tokens.make({ name: 'deploy', scopes: ['submit', 'read'] })
    expect(text).toMatch(/^mfy_[A-Za-z0-9_-]{49}$/)
    expect(await tokens.verify(text)).toEqual({ id: token.id, name: 'deploy', scopes: ['read', 'submit'] })
    expect(await tokens.verify(newTokenText())).toBeUndefined()
    expect(await tokens.verify('')).toBeUndefined()
  })

  it('keeps nothing in Redis that could be used as a token', async () => {
    const { text } = await tokens.make({ name: 'a', scopes: ['admin'] })
    await tokens.verify(text)
    const kept = JSON.stringify([await redis.hgetall('test:tokens'), await redis.hgetall('test:token-uses')])
    for (let start = 4; start + 12 <= text.length; start++) {
      expect(kept).not.toContain(text.slice(start, start + 12))
    }
  })

  it('lists tokens in the order they were made, without their text', async () => {
    const first = await tokens.make({ name: 'a', scopes: ['read'] })
    time = new Date('2026-07-01T12:04:00Z')
    const second = await tokens.make({ name: 'b', scopes: ['admin'], expires: '2026-08-01' })
    expect(await tokens.list()).toEqual([
      { ...first.token, created: '2026-07-01T12:03:00.000Z', expires: undefined },
      { ...second.token, created: '2026-07-01T12:04:00.000Z', expires: '2026-08-01T00:00:00.000Z' },
    ])
  })

  it('lets a revoked token in no more', async () => {
    const { token, text } = await tokens.make({ name: 'a', scopes: ['read'] })
    expect(await tokens.revoke(token.id)).toBe(true)
    expect(await tokens.revoke(token.id)).toBe(false)
    expect(await tokens.verify(text)).toBeUndefined()
    expect(await tokens.list()).toEqual([])
  })

  it('lets a token in until the moment that it ends', async () => {
    const { text } = await tokens.make({ name: 'a', scopes: ['read'], expires: '2026-07-01T13:00:00Z' })
    time = new Date('2026-07-01T12:59:59Z')
    expect(await tokens.verify(text)).toBeDefined()
    time = new Date('2026-07-01T13:00:00Z')
    expect(await tokens.verify(text)).toBeUndefined()
  })

  it('knows to ten minutes when a token was last used', async () => {
    const { text } = await tokens.make({ name: 'a', scopes: ['read'] })
    expect((await tokens.list())[0]?.lastUsed).toBeUndefined()
    await tokens.verify(text)
    expect((await tokens.list())[0]?.lastUsed).toBe('2026-07-01T12:00:00.000Z')
    time = new Date('2026-07-01T12:31:00Z')
    await tokens.verify(text)
    expect((await tokens.list())[0]?.lastUsed).toBe('2026-07-01T12:30:00.000Z')
  })

  it.each([
    ['no name', { name: '', scopes: ['read'] }],
    ['a name that would write on a terminal', { name: 'a\u001b[2J', scopes: ['read'] }],
    ['no scope', { name: 'a', scopes: [] }],
    ['a scope that there is not', { name: 'a', scopes: ['root'] }],
    ['an end in the past', { name: 'a', scopes: ['read'], expires: '2020-01-01' }],
    ['an end that is no time', { name: 'a', scopes: ['read'], expires: 'soon' }],
  ])('refuses %s', async (_what, request) => {
    await expect(tokens.make(request as { name: string; scopes: TokenScope[] })).rejects.toThrow(ConfigError)
  })
})

describe('isTokenText', () => {
  it('knows a mistyped token without asking anybody', () => {
    fc.assert(
      fc.property(fc.nat(48), fc.constantFrom(...'abcXYZ019_-'), (index, letter) => {
        const text = newTokenText()
        const at = index + 4
        const typed = `${text.slice(0, at)}${letter}${text.slice(at + 1)}`
        expect(isTokenText(text)).toBe(true)
        expect(isTokenText(typed)).toBe(typed === text)
      }),
    )
  })
})

describe('hasScope', () => {
  it('gives an admin everything and others what they have', () => {
    expect(hasScope({ scopes: ['admin'] }, 'debug')).toBe(true)
    expect(hasScope({ scopes: ['read'] }, 'read')).toBe(true)
    expect(hasScope({ scopes: ['read', 'submit'] }, 'admin')).toBe(false)
  })
})
