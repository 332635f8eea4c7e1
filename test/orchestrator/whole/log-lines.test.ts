import { describe, expect, it, type TestContext } from 'vitest'
import type { FakeStartOptions } from '../../fake-start.ts'
import { until } from '../until.ts'
import { oneJob, startWhole, type Whole } from './whole-server.ts'

type Line = { readonly msg: string } & Readonly<Record<string, unknown>>

const linesOf = (whole: Whole) =>
  whole
    .logged()
    .trimEnd()
    .split('\n')
    .map((line): Line & { line: string } => ({ ...(JSON.parse(line) as Line), line }))

/** Whatever else a line may be about. */
const otherSubjects = ['delivery', 'outbox', 'redis', 'schedule', 'client', 'supervisor', 'pid', 'url']

async function wholeWith(context: TestContext, machine: FakeStartOptions): Promise<Whole> {
  const whole = await startWhole({ machine })
  context.onTestFinished(() => whole.close())
  return whole
}

/** What was said from the moment at which a job's host took it, until its build had its verdict. */
async function duringJob(whole: Whole, name: string, meanwhile?: () => Promise<void>) {
  const push = await whole.repository(name, { '.mayfly.yml': oneJob })
  expect((await whole.deliver(push)).status).toBe(202)
  await meanwhile?.()
  const build = await whole.verdict(name, 80_000)
  const [job] = build.jobs
  if (job === undefined) throw new Error('expected a job, got none')
  await until('its verdict in the log', () =>
    linesOf(whole).some(({ msg, job: id }) => msg === 'a job has its verdict' && id === job.id),
  )
  const all = linesOf(whole)
  const first = all.findIndex(({ msg }) => msg === 'a job begins')
  const last = all.findLastIndex(({ msg }) => msg === 'a job has its verdict')
  return { build, job, lines: all.slice(first, last + 1), all }
}

describe('the log of a server', () => {
  it('says in each line of a job which one it is, of which attempt, build and repository', async (context) => {
    const whole = await wholeWith(context, { steps: () => ({ prints: ['made it\n'] }) })
    const { build, job, lines, all } = await duringJob(whole, 'octo/lines')
    const own = { job: job.id, attempt: 1, build: build.id, repository: 'github:octo/lines' }
    expect(lines.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['a job begins', 'a phase of a job ended', 'a job has its verdict']),
    )
    for (const line of lines.filter((each) => !otherSubjects.some((subject) => subject in each)))
      expect(line).toMatchObject(own)
    // Once each, for two fields of one name in a line are read in different ways.
    for (const { line } of all) {
      const names = [...line.matchAll(/"(job|attempt|build|repository)":/g)].map(([name]) => name)
      expect(names).toEqual([...new Set(names)])
    }
    for (const { line, job: field } of all.filter(({ line: text }) => text.includes(`${job.id}"`)))
      expect({ line, field }).toMatchObject({ field: job.id })
  })

  it('says so too of what went wrong beside the job', { timeout: 120_000 }, async (context) => {
    let begun = false
    const steps = () => {
      begun = true
      return { prints: ['begun\n', 1500, 'made it\n'] }
    }
    const whole = await wholeWith(context, { steps })
    const triedAgain = 'tried again: Redis is out of reach'
    const { job, lines } = await duringJob(whole, 'octo/trouble', async () => {
      await until('its step', () => begun)
      await whole.killRedis()
      const started = Date.now()
      while (Date.now() - started < 60_000 && !linesOf(whole).some(({ msg }) => msg === triedAgain))
        if ((await whole.redisPid().catch(() => undefined)) !== undefined)
          await whole.killRedis().catch(() => undefined)
    })
    const again = lines.filter(({ msg }) => msg === triedAgain)
    expect(again.length).toBeGreaterThan(0)
    for (const line of again)
      expect(line).toMatchObject({ job: job.id, attempt: 1, build: expect.any(String) })
  })
})
