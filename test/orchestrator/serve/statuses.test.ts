import { afterEach, beforeEach, expect, it } from 'vitest'
import { type StandIn, startStandIn } from '../statuses/stand-in.ts'
import { until } from '../until.ts'
import { startWhole, type Whole } from '../whole/whole-server.ts'

let whole: Whole
let broken: StandIn

beforeEach(async () => {
  broken = await startStandIn()
  whole = await startWhole({ machine: { steps: () => ({ prints: ['made\n', 300] }) } })
})
afterEach(async () => {
  await whole?.close()
  await broken.stop()
})

const files = {
  '.mayfly.yml': `resources: { cpus: 1, memory: 256MiB }
jobs:
  one: { steps: [{ run: make }] }
  two: { steps: [{ run: make }] }
`,
}
/** Of the build and of its two jobs. */
const passed = 'success,success,success'

/** The states that were taken, by context, in the order in which they came. */
function told(forge: StandIn): Record<string, string[]> {
  const states: Record<string, string[]> = {}
  for (const { body, answered } of forge.received) {
    if (answered >= 300) continue
    const context = String(body.context)
    states[context] = [...(states[context] ?? []), String(body.state)]
  }
  return states
}

const finals = (forge: StandIn) => Object.values(told(forge)).map((states) => states.at(-1))

it('brings every verdict to a forge that answered 500, 429, a reset or nothing, in order, and holds up no other', async () => {
  broken.replies.push(
    ...[{ status: 500 }, 'reset' as const, undefined],
    { status: 429, headers: { 'retry-after': '2' } },
    ...[{ status: 503 }, 'reset' as const],
  )
  const push = await whole.repository('octo/unlucky', files, broken.url)
  const other = await whole.repository('octo/lucky', files)
  await whole.deliver(push)
  await whole.deliver(other)
  await whole.verdict('octo/lucky')
  await until('the other forge has its verdicts', () => finals(whole.forge).join() === passed)
  await whole.verdict('octo/unlucky')
  await until('the broken one has them too', () => finals(broken).join() === passed, 60_000)
  for (const states of [...Object.values(told(broken)), ...Object.values(told(whole.forge))]) {
    // Older than newest never comes after it; one that became untrue meanwhile may be left out.
    expect(states.join()).toMatch(/^(pending,)*success$/)
  }
  expect(whole.logged()).not.toContain('status-token')
}, 90_000)

it('brings them after a kill of Redis and a restart of the server, too', async () => {
  broken.replies.push(...Array.from({ length: 100 }, () => ({ status: 503 })))
  const push = await whole.repository('octo/later', files, broken.url)
  await whole.deliver(push)
  await whole.verdict('octo/later')
  await until('some tries', () => broken.received.length >= 2)
  await whole.killRedis()
  await until('Redis is back', async () => (await fetch(`${whole.url}/readyz`)).status === 200, 20_000)
  await whole.restart()
  broken.replies.length = 0
  await until('all have their verdict', () => finals(broken).join() === passed, 60_000)
}, 90_000)
