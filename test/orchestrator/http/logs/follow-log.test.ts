import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { until } from '../../until.ts'
import { httpWorld } from '../http-world.ts'
import { memoryBus } from '../memory-bus.ts'
import { allEvents, readEvents } from './read-events.ts'

describe('following a log', () => {
  it('taken up again by Last-Event-ID loses and repeats no byte while the log is written', async () => {
    const { ask, addJob, openLog, parts } = await httpWorld()
    const { job, folder } = await addJob()
    const file = await openLog(folder)
    const whole = Array.from(
      { length: 400 },
      (_, line) => `${line} é – \u{1F41B} \u001b[31mred\u001b[0m\r\n`,
    ).join('')
    const bytes = Buffer.from(`\ufeff${whole}`)
    const write = async () => {
      // Pieces of seven bytes end in the middle of many characters.
      for (let at = 0; at < bytes.length; at += 7) {
        await file.append(Buffer.from(bytes.subarray(at, at + 7)), at)
        if (at % 210 !== 0) continue
        await file.flush()
        await parts.bus.publish({ type: 'log', job: job.id, size: file.size })
        await sleep(1)
      }
      await file.close()
      await parts.store.jobs.change(job.id, ['running'], { state: 'passed' })
      await parts.bus.publish({ type: 'job', id: job.id, build: job.build })
    }
    const writing = write()
    let text = ''
    let last: string | undefined
    let connections = 0
    let end: unknown
    while (end === undefined) {
      connections++
      const headers: Record<string, string> = last === undefined ? {} : { 'last-event-id': last }
      const answer = await ask(`/api/v1/jobs/${job.id}/log/follow`, { headers, scopes: ['read'] })
      let events = 0
      for await (const event of readEvents(answer)) {
        last = event.id ?? last
        text += event.data.text ?? ''
        if (event.name === 'end') end = event.data
        if (++events === 3) break
      }
    }
    await writing
    expect(text).toBe(`\ufeff${whole}`)
    expect(connections).toBeGreaterThan(3)
    expect(end).toEqual({ state: 'passed', offset: bytes.length })
  })

  it('ends with the bytes of a character that never came to its end', async () => {
    const { ask, addJob } = await httpWorld()
    const { job, folder } = await addJob({ state: 'failed' })
    await writeFile(join(folder, 'log'), Buffer.from([0x61, 0xff, 0xe2, 0x82]))
    const answer = await ask(`/api/v1/jobs/${job.id}/log/follow`, { scopes: ['read'] })
    const events = await allEvents(answer)
    expect(events.map(({ name }) => name)).toEqual(['log', 'end'])
    expect(events[0]?.data).toEqual({ text: 'a\ufffd\ufffd', offset: 4 })
  })

  it('sees what was written without a word on the bus', async () => {
    const { ask, addJob, parts } = await httpWorld()
    const { job, folder } = await addJob()
    const answer = await ask(`/api/v1/jobs/${job.id}/console/follow`, { scopes: ['read'] })
    const reading = allEvents(answer)
    await appendFile(join(folder, 'console'), 'login:')
    await parts.store.jobs.change(job.id, ['running'], { state: 'passed' })
    expect((await reading).map(({ data }) => data.text)).toEqual(['login:', undefined])
  })

  it('goes on with the console of a machine that is kept after its verdict, and ends with that', async () => {
    const { ask, addJob, parts } = await httpWorld()
    const gateway = { host: '127.0.0.1', port: 2222, hostKey: 'ssh-ed25519 AAAA' }
    const hold = { state: 'held', host: 'host-a', until: '2026-01-02T03:34:05.000Z', gateway } as const
    const { job, folder } = await addJob({ state: 'failed', hold })
    const follow = async (stream: string) =>
      readEvents(await ask(`/api/v1/jobs/${job.id}/${stream}/follow`, { scopes: ['read'] }))
    const log = await (await follow('log')).next()
    expect(log.value?.name).toBe('end')
    const events = await follow('console')
    await appendFile(join(folder, 'console'), 'login: ')
    expect((await events.next()).value?.data.text).toBe('login: ')
    const ended = { state: 'ended', host: 'host-a', ended: '2026-01-02T03:20:05.000Z', why: 'ended' } as const
    await parts.store.jobs.change(job.id, ['failed'], { hold: ended })
    expect((await events.next()).value?.name).toBe('end')
  })

  it('ends for an attempt when the next one has begun', async () => {
    const { ask, addJob, parts } = await httpWorld()
    const { job, folder } = await addJob({ attempt: 1 })
    await writeFile(join(folder, 'log'), 'first\n')
    const answer = await ask(`/api/v1/jobs/${job.id}/log/follow`, { scopes: ['read'] })
    const reading = allEvents(answer)
    await parts.store.jobs.change(job.id, ['running'], { state: 'queued', attempt: 2 })
    expect((await reading).map(({ name }) => name)).toEqual(['log', 'end'])
  })

  it('reads no further than a slow reader takes, and lets go of the bus when it hangs up', async () => {
    const { bus, listeners } = memoryBus()
    const { ask, addJob } = await httpWorld({ bus })
    const { job, folder } = await addJob()
    await writeFile(join(folder, 'log'), Buffer.alloc(200 * 2 ** 20, 'a line of a log\n'))
    const before = process.memoryUsage()
    const answer = await ask(`/api/v1/jobs/${job.id}/log/follow`, { scopes: ['read'] })
    const events = readEvents(answer)
    await events.next()
    await sleep(300)
    const { rss } = process.memoryUsage()
    expect(rss - before.rss).toBeLessThan(60 * 2 ** 20)
    expect(listeners()).toBe(1)
    await events.return(undefined)
    await until('nobody listens', () => listeners() === 0)
  })
})
