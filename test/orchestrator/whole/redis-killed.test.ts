import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, type TestContext } from 'vitest'
import type { FakeStartOptions } from '../../fake-start.ts'
import { until } from '../until.ts'
import type { Push } from './github-call.ts'
import { oneJob, startWhole, type Whole } from './whole-server.ts'

// What is left half done is found by the next look at it, each half minute.
const limits = { timeout: 120_000 }
const patience = 80_000

async function wholeWith(context: TestContext, machine: FakeStartOptions): Promise<Whole> {
  const whole = await startWhole({ machine })
  context.onTestFinished(() => whole.close())
  return whole
}

/** Kills Redis, and each one that is started after it, so that it is away for about so many milliseconds. */
async function outage(whole: Whole, ms: number): Promise<void> {
  const end = Date.now() + ms
  let killed: number | undefined
  do {
    const pid = await whole.redisPid()
    if (pid !== killed) await whole.killRedis()
    killed = pid
    await sleep(5)
  } while (Date.now() < end)
}

/** The build of a push passed, once, in one machine, and the forge has its statuses in order. */
async function expectOneVerdict(whole: Whole, push: Push): Promise<void> {
  const build = await whole.verdict(push.name, patience)
  expect(build).toMatchObject({ state: 'passed', jobs: [{ state: 'passed', attempt: 1 }] })
  expect(await whole.builds(push.name)).toHaveLength(1)
  expect(whole.start.orders.filter(({ id }) => id.startsWith(build.id))).toHaveLength(1)
  const log = await fetch(`${whole.url}/api/v1/jobs/${build.jobs[0]?.id}/log`)
  expect((await log.text()).match(/made it/g)).toHaveLength(1)
  const states = () =>
    whole.forge.received
      .filter(({ path }) => path === `/repos/${push.name}/statuses/${push.sha}`)
      .map(({ body }) => body.state)
  await until(`the statuses of ${push.name}`, () => states().at(-1) === 'success', patience)
  expect(states().lastIndexOf('pending')).toBeLessThan(states().indexOf('success'))
}

const makes: FakeStartOptions = { steps: () => ({ prints: ['made it\n'] }) }

// Most of their time they wait, so that they wait together.
describe.concurrent('a Redis that is killed', () => {
  it('before a job is taken loses neither the delivery nor its build', limits, async (context) => {
    const whole = await wholeWith(context, makes)
    const push = await whole.repository('octo/early', { '.mayfly.yml': oneJob })
    const answer = whole.deliver(push)
    const first = await answer
    await whole.killRedis()
    expect(first.status).toBe(202)
    await expectOneVerdict(whole, push)
  })

  it('during the steps of a job does not end it, nor run it twice', limits, async (context) => {
    const whole = await wholeWith(context, { steps: () => ({ prints: ['begun\n', 3000, 'made it\n'] }) })
    const push = await whole.repository('octo/middle', { '.mayfly.yml': oneJob })
    await whole.deliver(push)
    await until('the step runs', () => whole.start.machines[0]?.ran.length === 1)
    await outage(whole, 1500)
    await expectOneVerdict(whole, push)
  })

  it(
    'while the verdict is written lets it be written later, also after a long time',
    limits,
    async (context) => {
      let atEnd: Promise<void> | undefined
      const whole: Whole = await wholeWith(context, {
        steps: () => {
          atEnd ??= outage(whole, 8000)
          return { prints: ['made it\n', 200] }
        },
      })
      const push = await whole.repository('octo/late', { '.mayfly.yml': oneJob })
      await whole.deliver(push)
      await until('Redis was killed', () => atEnd !== undefined)
      await atEnd
      await expectOneVerdict(whole, push)
    },
  )

  it(
    'as its machine starts leaves the job neither claimed for ever nor run twice',
    limits,
    async (context) => {
      let once: Promise<void> | undefined
      const whole = await wholeWith(context, makes)
      const push = await whole.repository('octo/claimed', { '.mayfly.yml': oneJob })
      await whole.deliver(push)
      await until('a machine was asked for', () => {
        const isAsked = whole.start.orders.length > 0
        if (isAsked) once ??= outage(whole, 5000)
        return isAsked
      })
      await once
      await expectOneVerdict(whole, push)
    },
  )

  it(
    'while deliveries come loses none that was accepted, and says 503 to the others',
    limits,
    async (context) => {
      const whole = await wholeWith(context, makes)
      const pushes = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          whole.repository(`octo/many-${index}`, { '.mayfly.yml': oneJob }),
        ),
      )
      const away = outage(whole, 7000)
      const answers = await Promise.all(
        pushes.map(async (push, index) => {
          await sleep(index * 500)
          const id = randomUUID()
          return { push, id, ...(await whole.deliver(push, { id })) }
        }),
      )
      await away
      expect(
        answers.map(({ status }) => status).filter((status) => status !== 202 && status !== 503),
      ).toEqual([])
      expect(answers.map(({ status }) => status)).toContain(503)
      for (const { push, id, status } of answers) {
        if (status === 202) continue
        // As somebody at the forge would send it again.
        await until('the server takes it', async () => {
          const again = await whole.deliver(push, { id })
          return again.status === 202 || again.body.verdict === 'duplicate'
        })
      }
      for (const { push } of answers) await expectOneVerdict(whole, push)
    },
  )
})
