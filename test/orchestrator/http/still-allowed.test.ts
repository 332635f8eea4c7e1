import { expect, it } from 'vitest'
import { localToken } from '../../../orchestrator/http/auth.ts'
import { stillAllowed } from '../../../orchestrator/http/still-allowed.ts'
import { memoryTokens } from './memory-tokens.ts'

const now = () => new Date('2026-01-02T00:00:00.000Z')

it('is whoever has a token that is there and not over', async () => {
  const tokens = memoryTokens()
  const made = await tokens.make({ name: 'ada', scopes: ['debug'], expires: '2026-01-03T00:00:00.000Z' })
  const over = await tokens.make({ name: 'bob', scopes: ['debug'], expires: '2026-01-01T00:00:00.000Z' })
  const isAllowed = (token: string) => stillAllowed({ tokens, now }, { token })
  expect(await isAllowed(made.token.id)).toBe(true)
  expect(await isAllowed(over.token.id)).toBe(false)
  expect(await isAllowed('another')).toBe(false)
  await tokens.revoke(made.token.id)
  expect(await isAllowed(made.token.id)).toBe(false)
})

it('is this computer only as long as there is no token', async () => {
  const tokens = memoryTokens()
  expect(await stillAllowed({ tokens, now }, { token: localToken })).toBe(true)
  await tokens.make({ name: 'ada', scopes: ['admin'] })
  expect(await stillAllowed({ tokens, now }, { token: localToken })).toBe(false)
})

it('is everybody while Redis is away', async () => {
  const tokens = { ...memoryTokens(), list: () => Promise.reject(new Error('Redis is away')) }
  expect(await stillAllowed({ tokens, now }, { token: 'any' })).toBe(true)
})
