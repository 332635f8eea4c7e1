import { userInfo } from 'node:os'
import { Redis } from 'ioredis'
import { afterEach, expect, it } from 'vitest'
import { protocol } from '../../../orchestrator/hosts/protocol.ts'
import { redisPaths } from '../../../orchestrator/redis/filenames.ts'
import { prefix } from '../../../orchestrator/serve/prefix.ts'
import { startWhole, type Whole } from '../whole/whole-server.ts'

let whole: Whole
afterEach(() => whole?.close())

it(
  'a server announces its protocol, and does not start on an installation two steps ahead of it',
  async () => {
    whole = await startWhole()
    const { body } = await whole.api('GET', '/hosts')
    expect(body.items).toMatchObject([{ protocol }])
    const place = { dataFolder: whole.data, env: process.env, uid: userInfo().uid }
    const redis = new Redis({ path: redisPaths(place).socket })
    expect(await redis.get(`${prefix}:protocol`)).toBe(String(protocol))
    await redis.set(`${prefix}:protocol`, protocol + 2)
    redis.disconnect()
    await expect(whole.restart()).rejects.toMatchObject({
      message: expect.stringContaining('this Mayfly is too old for it'),
      hint: expect.stringContaining(`start a Mayfly of protocol ${protocol + 2} here`),
    })
  },
  2 * 60_000,
)
