import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTokens } from '../../../orchestrator/tokens/create-tokens.ts'
import { ensureAdminToken } from '../../../orchestrator/tokens/ensure-admin-token.ts'
import type { Tokens } from '../../../orchestrator/tokens/token.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let server: RealRedis
let tokens: Tokens
let folder: string
let file: string

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())
beforeEach(async () => {
  const redis = server.connect()
  await redis.flushall()
  tokens = createTokens({ redis, prefix: 'test', now: () => new Date() })
  folder = await mkdtemp(join(tmpdir(), 'mayfly-admin-token-'))
  file = join(folder, 'admin-token')
  return () => rm(folder, { recursive: true })
})

describe('ensureAdminToken', () => {
  it('makes a token that may do everything, in a file for its owner alone', async () => {
    await ensureAdminToken(tokens, file)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await tokens.verify((await readFile(file, 'utf8')).trim())).toMatchObject({ scopes: ['admin'] })
    expect(await readdir(folder)).toEqual(['admin-token'])
  })

  it('leaves a token that is known as it is', async () => {
    await ensureAdminToken(tokens, file)
    const before = await readFile(file, 'utf8')
    await ensureAdminToken(tokens, file)
    expect(await readFile(file, 'utf8')).toBe(before)
    expect(await tokens.list()).toHaveLength(1)
  })

  it('makes the token of the file good again where Redis lost it', async () => {
    await ensureAdminToken(tokens, file)
    await server.connect().flushall()
    await ensureAdminToken(tokens, file)
    expect(await tokens.verify((await readFile(file, 'utf8')).trim())).toMatchObject({ name: 'admin' })
  })

  it('agrees on one token with a server that starts at the same time', async () => {
    await Promise.all(Array.from({ length: 8 }, () => ensureAdminToken(tokens, file)))
    const text = (await readFile(file, 'utf8')).trim()
    expect(await tokens.verify(text)).toMatchObject({ scopes: ['admin'] })
    expect(await tokens.list()).toHaveLength(1)
  })

  it('refuses a file that holds something else', async () => {
    await writeFile(file, 'hunter2\n')
    await expect(ensureAdminToken(tokens, file)).rejects.toThrow(
      'expected a token, which starts with mfy_, got something else',
    )
    expect(await tokens.list()).toEqual([])
  })
})
