import { rm } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it, type TestContext } from 'vitest'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { reindexHere } from '../../../orchestrator/serve/reindex-here.ts'
import { Scope } from '../../../runner/scope.ts'
import type { FakeStartOptions } from '../../fake-start.ts'
import { until } from '../until.ts'
import type { Push } from './github-call.ts'
import { oneJob, startWhole, type Whole } from './whole-server.ts'

const limits = { timeout: 120_000 }
const patience = 80_000

async function wholeWith(context: TestContext, machine: FakeStartOptions): Promise<Whole> {
  const whole = await startWhole({ machine })
  context.onTestFinished(() => whole.close())
  return whole
}

const statesOf = (whole: Whole, push: Push) =>
  whole.forge.received
    .filter(({ path, answered }) => path === `/repos/${push.name}/statuses/${push.sha}` && answered === 201)
    .map(({ body }) => body.state)

async function expectOneVerdict(whole: Whole, push: Push): Promise<void> {
  const build = await whole.verdict(push.name, patience)
  expect(build).toMatchObject({ state: 'passed', jobs: [{ state: 'passed', attempt: 1 }] })
  expect(await whole.builds(push.name)).toHaveLength(1)
  expect(whole.start.orders.filter(({ id }) => id.startsWith(build.id))).toHaveLength(1)
  await until(`the status of ${push.name}`, () => statesOf(whole, push).at(-1) === 'success', patience)
}

// Most of their time they wait, so that they wait together.
describe.concurrent('a Redis that is emptied', () => {
  it('while jobs run and wait ends none, runs none twice and forgets none', limits, async (context) => {
    const whole = await wholeWith(context, { steps: () => ({ prints: ['begun\n', 4000, 'made it\n'] }) })
    const names = ['octo/one', 'octo/two', 'octo/three', 'octo/four', 'octo/five']
    const pushes = await Promise.all(names.map((name) => whole.repository(name, { '.mayfly.yml': oneJob })))
    for (const push of pushes) expect((await whole.deliver(push)).status).toBe(202)
    await until('two jobs run', () => whole.start.machines.filter(({ ran }) => ran.length > 0).length === 2)
    await until('all have builds', async () => {
      const found = await Promise.all(names.map((name) => whole.builds(name)))
      return found.every((builds) => builds.length === 1)
    })
    await whole.emptyRedis()
    for (const push of pushes) await expectOneVerdict(whole, push)
    expect(whole.logged()).toContain('the index was made anew from the archive')
    expect(whole.start.orders).toHaveLength(5)
    // The registration with its secret, too: the next push is verified.
    const next = await whole.repository('octo/next', { '.mayfly.yml': oneJob })
    expect((await whole.deliver(next)).status).toBe(202)
    await expectOneVerdict(whole, next)
  })

  it('right after a delivery was accepted loses neither it nor its build', limits, async (context) => {
    const whole = await wholeWith(context, { steps: () => ({ prints: ['made it\n'] }) })
    const push = await whole.repository('octo/early', { '.mayfly.yml': oneJob })
    const id = 'b4f2a3f0-1111-4222-8333-444455556666'
    expect((await whole.deliver(push, { id })).status).toBe(202)
    await whole.emptyRedis()
    await expectOneVerdict(whole, push)
    expect((await whole.deliver(push, { id })).body.verdict).toBe('duplicate')
    expect(await whole.builds(push.name)).toHaveLength(1)
  })

  it('says 503 until the index is whole, and tells no forge twice what it knows', limits, async (context) => {
    const whole = await wholeWith(context, { steps: () => ({ prints: ['made it\n'] }) })
    const push = await whole.repository('octo/known', { '.mayfly.yml': oneJob })
    await whole.deliver(push)
    await expectOneVerdict(whole, push)
    const told = [...statesOf(whole, push)]
    const [build] = await whole.builds(push.name)
    await whole.emptyRedis()
    const answers: number[] = []
    await until('the build is back', async () => {
      answers.push((await whole.api('GET', `/builds/${build?.id}`)).status)
      return answers.at(-1) === 200
    })
    expect(answers.filter((status) => status !== 200 && status !== 503)).toEqual([])
    const after = await whole.repository('octo/after', { '.mayfly.yml': oneJob })
    await whole.deliver(after)
    await expectOneVerdict(whole, after)
    expect(statesOf(whole, push)).toEqual(told)
  })

  it('tells again what a forge could not be told before', limits, async (context) => {
    const whole = await wholeWith(context, { steps: () => ({ prints: ['made it\n'] }) })
    const push = await whole.repository('octo/untold', { '.mayfly.yml': oneJob })
    whole.forge.replies.push(...Array.from({ length: 500 }, () => ({ status: 503 })))
    await whole.deliver(push)
    expect((await whole.verdict(push.name)).state).toBe('passed')
    await whole.emptyRedis()
    expect(statesOf(whole, push)).toEqual([])
    whole.forge.replies.length = 0
    await until('the forge hears of it', () => statesOf(whole, push).at(-1) === 'success', patience)
  })

  it('between two runs of the server comes back at the next start', limits, async (context) => {
    const whole = await wholeWith(context, { steps: () => ({ prints: ['made it\n'] }) })
    const push = await whole.repository('octo/stopped', { '.mayfly.yml': oneJob })
    await whole.deliver(push)
    await expectOneVerdict(whole, push)
    await whole.stop()
    await rm(join(whole.data, 'redis'), { recursive: true })
    await whole.restart()
    expect(await whole.builds(push.name)).toMatchObject([{ state: 'passed' }])
    expect((await whole.deliver(push)).status).toBe(202)
  })

  it(
    'is filled again by `mayfly reindex` with no server there, and by a second one not again',
    limits,
    async (context) => {
      const whole = await wholeWith(context, { steps: () => ({ prints: ['made it\n'] }) })
      const push = await whole.repository('octo/by-hand', { '.mayfly.yml': oneJob })
      await whole.deliver(push)
      await expectOneVerdict(whole, push)
      await whole.stop()
      await rm(join(whole.data, 'redis'), { recursive: true })
      const progress: string[] = []
      const byHand = async () => {
        const scope = new Scope()
        try {
          return await reindexHere({
            host: await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' }),
            ...{ dataFolder: whole.data, env: { PATH: process.env.PATH }, uid: userInfo().uid, scope },
            log: pino({ level: 'silent' }),
            onProgress: (done, all) => void progress.push(`${done} of ${all}`),
          })
        } finally {
          await scope.close()
        }
      }
      expect(await byHand()).toMatchObject({ found: 1, builds: 1, jobs: 1, deliveries: 1, problems: [] })
      expect(progress).toEqual(['1 of 1'])
      expect(await byHand()).toMatchObject({ found: 1, builds: 0, jobs: 0, deliveries: 0, register: 0 })
      await whole.restart()
      expect(await whole.builds(push.name)).toMatchObject([{ state: 'passed' }])
    },
  )
})
