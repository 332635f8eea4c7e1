import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Reply, type StandIn, startStandIn } from '../statuses/stand-in.ts'
import { until } from '../until.ts'
import { oneJob, startWhole, type Whole } from './whole-server.ts'

let whole: Whole
const forges: StandIn[] = []

beforeAll(async () => {
  whole = await startWhole({ machine: { steps: () => ({ prints: ['made it\n'] }) } })
})
afterAll(async () => {
  await whole?.close()
  await Promise.all(forges.map((forge) => forge.stop()))
})

const unavailable: Reply = { status: 500, body: 'out of order' }
const limited: Reply = { status: 429, headers: { 'retry-after': '2' } }
const nothing: Reply = undefined

describe('a forge whose API', () => {
  it.concurrent.each<[string, Reply[]]>([
    ['answers 500', [unavailable, unavailable, unavailable]],
    ['answers 429', [limited, limited]],
    ['answers with nothing at all', [nothing]],
    ['answers now this and now that', [unavailable, limited, { status: 502 }, unavailable]],
    [
      'sends its callers elsewhere for a while',
      [{ status: 503, headers: { location: 'http://127.0.0.1:1/' } }],
    ],
  ])(
    '%s keeps no build from its verdict, and has its statuses when it is back',
    async (what, replies) => {
      const forge = await startStandIn()
      forges.push(forge)
      forge.replies.push(...replies)
      const name = `octo/${what.replaceAll(' ', '-')}`
      const push = await whole.repository(name, { '.mayfly.yml': oneJob }, forge.url)
      expect((await whole.deliver(push)).status).toBe(202)
      const build = await whole.verdict(name)
      expect(build).toMatchObject({ state: 'passed', jobs: [{ state: 'passed', attempt: 1 }] })
      const log = await (await fetch(`${whole.url}/api/v1/jobs/${build.jobs[0]?.id}/log`)).text()
      expect(log.match(/made it/g)).toHaveLength(1)
      const taken = () => forge.received.slice(replies.length).map(({ body }) => body)
      await until('the forge has the verdict', () => taken().at(-1)?.state === 'success', 40_000)
      for (const { context, target_url } of taken()) {
        expect({ context, target_url }).toEqual({
          context: 'mayfly',
          target_url: `${whole.url}/builds/${build.id}`,
        })
      }
      const states = taken().map(({ state }) => state)
      expect(states.lastIndexOf('pending')).toBeLessThan(states.indexOf('success'))
    },
    60_000,
  )
})
