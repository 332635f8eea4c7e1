import { Queue } from 'bullmq'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createSchedules } from '../../../orchestrator/builds/schedules.ts'
import { tellChanges } from '../../../orchestrator/repositories/tell-changes.ts'
import { httpWorld } from '../http/http-world.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let redis: RealRedis
let rounds = 0
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const admin = { scopes: ['admin'] as const }
const json = { 'content-type': 'application/json' }

/** A server whose clock follows its register, as `mayfly serve` puts them together. */
async function world() {
  const prefix = `follow${rounds++}`
  const connection = redis.connect()
  const base = await httpWorld()
  const schedules = createSchedules({
    ...{ connection, prefix, store: base.parts.store, builds: base.parts.builds },
    resolveRef: base.parts.resolveRef,
    log: pino({ level: 'silent' }),
  })
  onTestFinished(() => schedules.close())
  const queue = new Queue('schedules', { connection, prefix })
  onTestFinished(() => queue.close())
  const repositories = tellChanges(base.parts.repositories, async () => void (await schedules.sync()))
  const { tokens: _, ...parts } = base.parts
  const { ask } = await httpWorld({ ...parts, repositories })
  const send = (method: string, path: string, body?: unknown) =>
    ask(path, {
      method,
      ...admin,
      headers: json,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const clock = async () => (await queue.getJobSchedulers()).map(({ pattern }) => pattern).sort()
  return { send, clock, repositories, schedules, queue }
}

const registration = {
  forge: 'gitea',
  name: 'octo/nightly',
  cloneUrl: 'https://git.example/octo/nightly.git',
  schedules: [{ cron: '30 2 * * *', branch: 'main' }],
}
const path = '/api/v1/repositories/gitea:octo/nightly'

describe('schedules of repositories that are registered while the server runs', () => {
  it('are followed when one is added, changed and removed over the API', async () => {
    const { send, clock } = await world()
    expect(await clock()).toEqual([])
    expect((await send('POST', '/api/v1/repositories', registration)).status).toBe(201)
    expect(await clock()).toEqual(['30 2 * * *'])
    const more = [...registration.schedules, { cron: '0 * * * *', branch: 'dev' }]
    expect((await send('PATCH', path, { schedules: more })).status).toBe(200)
    expect(await clock()).toEqual(['0 * * * *', '30 2 * * *'])
    expect((await send('PATCH', path, { defaultBranch: 'dev' })).status).toBe(200)
    expect(await clock()).toHaveLength(2)
    expect((await send('PATCH', path, { schedules: [] })).status).toBe(200)
    expect(await clock()).toEqual([])
    expect((await send('PATCH', path, { schedules: more })).status).toBe(200)
    expect((await send('DELETE', path)).status).toBe(200)
    expect(await clock()).toEqual([])
  })

  it('are not followed where the register refuses', async () => {
    const { send, clock } = await world()
    const wrong = { ...registration, schedules: [{ cron: 'whenever', branch: 'main' }] }
    expect((await send('POST', '/api/v1/repositories', wrong)).status).toBe(422)
    expect(await clock()).toEqual([])
  })

  it('are all followed when many are added at once', async () => {
    const { repositories, clock } = await world()
    const names = Array.from({ length: 12 }, (_, index) => `octo/r${index}`)
    await Promise.all(
      names.map((name, index) =>
        repositories.add({
          ...registration,
          forge: 'gitea',
          name,
          schedules: [{ cron: `${index} 3 * * *`, branch: 'main' }],
        }),
      ),
    )
    expect(await clock()).toHaveLength(names.length)
  })
})
