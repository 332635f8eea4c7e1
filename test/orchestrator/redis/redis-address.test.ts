import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectRedis, type RedisAddress } from '../../../orchestrator/redis/connect-redis.ts'
import { redisAddress } from '../../../orchestrator/redis/redis-address.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let server: RealRedis
let url: string
let file: string

beforeAll(async () => {
  server = await startRedis()
  url = `unix://${server.socket}`
  file = join(dirname(server.socket), 'password')
  await server.connect().config('SET', 'requirepass', 'from a/b:c@d'.replaceAll(' ', '-'))
})
afterAll(() => server.stop())

const connect = (address: RedisAddress | undefined) => {
  if (address === undefined) throw new Error('no address')
  const log = pino({ level: 'silent' })
  return connectRedis({ address, patience: 'fail-fast', name: 'test', log, readyMs: 5000 })
}

describe('redisAddress', () => {
  it('names none where the host file names none', async () => {
    expect(await redisAddress({ redis: undefined, redisPasswordFile: undefined })).toBeUndefined()
  })

  it('brings the password out of its file, whatever characters it has', async () => {
    await writeFile(file, 'from-a/b:c@d\n')
    const redis = await connect(await redisAddress({ redis: url, redisPasswordFile: file }))
    expect(await redis.ping()).toBe('PONG')
    redis.disconnect()
  })

  it('is refused by Redis without the password', async () => {
    const address = await redisAddress({ redis: url, redisPasswordFile: undefined })
    await expect(connect(address)).rejects.toThrow('NOAUTH')
  })

  it('says which file is missing, and what is wrong with one that is there', async () => {
    const absent = redisAddress({ redis: url, redisPasswordFile: '/nowhere/password' })
    await expect(absent).rejects.toThrow(
      'redis_password_file: expected a file that can be read at /nowhere/password, got ENOENT',
    )
    await writeFile(file, '\n')
    await expect(redisAddress({ redis: url, redisPasswordFile: file })).rejects.toThrow('got nothing')
  })
})
