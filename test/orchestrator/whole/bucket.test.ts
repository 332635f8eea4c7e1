import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Store } from '../../../orchestrator/archive/s3/s3-store.ts'
import { removeS3Server, type S3Server, startS3Server, withKey } from '../archive/s3/start-s3-server.ts'
import { until } from '../until.ts'
import { oneJob, startWhole } from './whole-server.ts'

let server: S3Server
beforeAll(async () => {
  server = await startS3Server()
})
afterAll(() => removeS3Server(server))

const limits = { timeout: 240_000 }
const patience = 200_000

describe('a server whose archive is a bucket', () => {
  it(
    'makes its index anew from there, and shows what a job printed, with nothing of either on its disk',
    limits,
    async (context) => {
      withKey()
      const bucket = await server.makeBucket()
      const machine = { steps: () => ({ prints: ['made it\n'] }) }
      const whole = await startWhole({ machine, host: { bucket } })
      context.onTestFinished(() => whole.close())
      const push = await whole.repository('octo/one', { '.mayfly.yml': oneJob })
      expect((await whole.deliver(push)).status).toBe(202)
      const build = await whole.verdict(push.name, patience)
      const job = build.jobs[0]?.id ?? ''
      const store = createS3Store(bucket)
      await until(
        'the job is there',
        async () => (await store.size(`jobs/${job}-1/complete`)) !== undefined,
        patience,
      )

      await whole.stop()
      await rm(join(whole.data, 'jobs'), { recursive: true })
      await whole.restart(machine)
      await whole.emptyRedis()
      await until('the index is whole', () => whole.logged().includes('the index was made anew'), patience)
      expect(await whole.verdict(push.name, patience)).toMatchObject({ id: build.id, state: 'passed' })
      const log = await whole.api('GET', `/jobs/${job}/log`)
      expect(JSON.stringify(log.body)).toContain('made it')
    },
  )

  it('does not start with a bucket that is not there, and says so', limits, async () => {
    withKey()
    const bucket = { ...(await server.makeBucket()), name: 'no-such-bucket' }
    await expect(startWhole({ host: { bucket } })).rejects.toMatchObject({
      message: expect.stringContaining('s3://no-such-bucket'),
      hint: expect.stringContaining('Make the bucket first'),
    })
  })
})
