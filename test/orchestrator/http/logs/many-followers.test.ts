import { createHash } from 'node:crypto'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { loadHostConfig } from '../../../../config/host/load-host-config.ts'
import { listen } from '../../../../orchestrator/serve/listen.ts'
import { until } from '../../until.ts'
import { httpWorld } from '../http-world.ts'
import { memoryBus } from '../memory-bus.ts'
import { memoryTokens } from '../memory-tokens.ts'

const followers = 500
const pieces = 40
const grownMiB = 200

it('is followed by 500 at once, each of whom gets every byte, from one look at it for all, whoever of them reads nothing', async () => {
  const { bus, listeners } = memoryBus()
  const world = await httpWorld({ bus, tokens: memoryTokens() })
  const plain = await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })
  const host = { ...plain, listen: { host: '127.0.0.1', port: 0 } }
  const { app, parts } = world
  const server = await listen({ app, host, tokens: parts.tokens, metrics: parts.metrics, log: parts.log })
  onTestFinished(() => server.close())
  const { job, folder } = await world.addJob()
  const url = `${server.url}/api/v1/jobs/${job.id}/log/follow`
  let looks = 0
  const readJob = parts.store.jobs.get
  parts.store.jobs.get = (id) => {
    looks++
    return readJob(id)
  }

  const idle = await open(url)
  const answers = await Promise.all(Array.from({ length: followers }, () => open(url)))
  const together = Promise.all(answers.map(digestOf))
  expect(listeners()).toBe(1)

  const before = { looks, rss: process.memoryUsage().rss }
  const piece = 'a line of a log that many read – \u{1F41B}\n'.repeat(200)
  const file = await world.openLog(folder)
  for (let index = 0; index < pieces; index++) {
    await file.append(Buffer.from(piece), index)
    await file.flush()
    await bus.publish({ type: 'log', job: job.id, size: file.size })
    await sleep(5)
  }
  await file.close()
  await parts.store.jobs.change(job.id, ['running'], { state: 'passed' })
  await bus.publish({ type: 'job', id: job.id, build: job.build })

  const wanted = createHash('sha256').update(piece.repeat(pieces)).digest('hex')
  expect(new Set(await together)).toEqual(new Set([wanted]))
  // Without sharing there would be so many for each of them.
  expect(looks - before.looks).toBeLessThan(followers)
  expect((process.memoryUsage().rss - before.rss) / 2 ** 20).toBeLessThan(grownMiB)
  idle.destroy()
  await until('nobody listens', () => listeners() === 0)
}, 120_000)

function open(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, resolve).on('error', reject)
  })
}

/** The digest of the text of all events of an answer, of which none is kept. */
async function digestOf(answer: IncomingMessage): Promise<string> {
  const hash = createHash('sha256')
  const decoder = new TextDecoder()
  let left = ''
  for await (const chunk of answer) {
    const events = (left + decoder.decode(chunk as Buffer, { stream: true })).split('\n\n')
    left = events.pop() ?? ''
    for (const event of events) {
      const data = JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '{}') as { text?: string }
      hash.update(data.text ?? '')
    }
  }
  return hash.digest('hex')
}
