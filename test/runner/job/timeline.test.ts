import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import type { JobEvent } from '../../../runner/job/job-event.ts'
import { createJobFolder, type JobFolder } from '../../../runner/job/job-folder.ts'
import { createRecord } from '../../../runner/job/job-record.ts'
import type { Progress } from '../../../runner/job/progress.ts'
import { createTimeline, type LogStart } from '../../../runner/job/timeline.ts'

let dataFolder: string
let count = 0
beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'mayfly-timeline-'))
})
afterEach(() => rm(dataFolder, { recursive: true }))

const context = { jobId: 'j', buildId: 'b', repo: 'r', ref: 'm', sha: 's', event: 'push' }

async function begin(secrets: readonly string[] = [], folder?: JobFolder, from?: LogStart) {
  const events: JobEvent[] = []
  const record = createRecord('main', context)
  const opened = folder ?? (await createJobFolder({ dataFolder, id: `j${count++}` }))
  const onEvent = (event: JobEvent) => void events.push(event)
  return {
    timeline: createTimeline({ folder: opened, record, secrets, onEvent, ...(from && { from }) }),
    events,
    record,
    folder: opened,
  }
}

describe('the timeline', () => {
  it('tells every event in order, with the milliseconds since its beginning', async () => {
    const { timeline, events, folder } = await begin()
    timeline.emit({ type: 'note', message: 'one' })
    await new Promise((resolve) => setTimeout(resolve, 30))
    await timeline.log(0, Buffer.from('two\n'))
    timeline.console(Buffer.from('three\n'))
    await timeline.settle()
    await folder.close()
    expect(events.map(({ type }) => type)).toEqual(['note', 'log', 'console'])
    expect(events[0]?.at).toBeLessThan(30)
    expect(events[1]?.at).toBeGreaterThanOrEqual(29)
  })

  it.each([
    ['of the step that was taken up after what was heard before', 0, 235],
    ['of the next one from its beginning, where that one had nothing more to say', 1, 4],
  ])('counts what it hears %s', async (_whose, step, raw) => {
    const folder = await createJobFolder({ dataFolder, id: `j${count++}` })
    const kept: Progress[] = []
    const watched = { ...folder, writeProgress: (line: Progress) => void kept.push(line) }
    const from = { step: 0, raw: 231, skip: 0, skipConsole: 0, atLineStart: true }
    const { timeline } = await begin([], watched, from)
    await timeline.log(step, Buffer.from('a\n'))
    // It is written down twice a second.
    await new Promise((resolve) => setTimeout(resolve, 600))
    await timeline.log(step, Buffer.from('b\n'))
    await timeline.settle()
    await folder.close()
    expect(kept).toEqual([{ type: 'heard', step, log: 4, raw }])
  })

  it('goes on with the console of a machine that is kept, masked across the end of the job', async () => {
    const { timeline, events, folder } = await begin(['hunter2hunter2'])
    timeline.console(Buffer.from('login: hunter2'))
    await timeline.settle({ keepsConsole: true })
    await folder.closeButConsole()
    timeline.emit({ type: 'note', message: 'not any more' })
    timeline.console(Buffer.from('hunter2\nPassword: hunt'))
    timeline.endConsole()
    timeline.console(Buffer.from('never'))
    await folder.close()
    const said = events
      .map((event) => (event.type === 'console' ? event.data.toString() : event.type))
      .join('')
    expect(said).toBe('login: ***\nPassword: hunt')
    expect(await readFile(join(folder.path, 'console'), 'utf8')).toBe(said)
  })

  it('takes what it tells into the record', async () => {
    const { timeline, record, folder } = await begin()
    timeline.emit({ type: 'step-started', index: 0, name: 'build', offset: 12 })
    const ended = { type: 'step-ended', index: 0, name: 'build', status: 'failed', exitCode: 3 } as const
    timeline.emit({ ...ended, ms: 7, offset: 40 })
    timeline.emit({ type: 'step-skipped', index: 1, name: 'test' })
    timeline.emit({ type: 'phase-ended', phase: 'steps', ms: 9 })
    await timeline.settle()
    await folder.close()
    expect(record.steps).toEqual([
      { index: 0, name: 'build', status: 'failed', exitCode: 3, ms: 7, start: 12, end: 40 },
      { index: 1, name: 'test', status: 'skipped', exitCode: undefined, ms: 0, start: 0, end: 0 },
    ])
    expect(record.phases).toEqual([{ phase: 'steps', ms: 9 }])
  })

  it('never lets a secret through to log or console, however its bytes are cut up', async () => {
    const secret = 'correct-horse-battery'
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(cuts, fc.string({ maxLength: 20 }), async (sizes, before) => {
        const { timeline, folder } = await begin([secret])
        const text = Buffer.from(`${before}${secret}\n`)
        for (let at = 0, turn = 0; at < text.length; turn++) {
          const size = sizes[turn % sizes.length] as number
          await timeline.log(0, Buffer.from(text.subarray(at, at + size)))
          timeline.console(Buffer.from(text.subarray(at, at + size)))
          at += size
        }
        await timeline.endLog(0)
        await timeline.settle()
        await folder.close()
        for (const name of ['log', 'console']) {
          expect(await readFile(join(folder.path, name), 'utf8')).toBe(
            `${text.toString().replace(secret, '***')}`,
          )
        }
      }),
      { numRuns: 20 },
    )
  })

  it('gives up what the console held back when it settles', async () => {
    const { timeline, folder } = await begin(['password1234'])
    timeline.console(Buffer.from('login: pass'))
    await timeline.settle()
    await folder.close()
    expect(await readFile(join(folder.path, 'console'), 'utf8')).toBe('login: pass')
  })

  it('takes nothing more once it has settled', async () => {
    const { timeline, events, folder } = await begin()
    timeline.emit({ type: 'note', message: 'in time' })
    await timeline.settle()
    await folder.close()
    timeline.emit({ type: 'note', message: 'too late' })
    timeline.console(Buffer.from('too late\n'))
    await timeline.settle()
    expect(events.map(({ type }) => type)).toEqual(['note'])
    expect(await readFile(join(folder.path, 'timeline.jsonl'), 'utf8')).not.toContain('too late')
  })

  it('counts the log as it stands in the file, stars included', async () => {
    const { timeline, folder } = await begin(['password1234'])
    await timeline.log(0, Buffer.from('x password1234\n'))
    expect(timeline.logSize()).toBe('x ***\n'.length)
    await folder.close()
  })

  it('hands a write that failed to who waits for it, and again when it settles', async () => {
    const full = new InfraError('host-disk-full', 'expected to write, got ENOSPC')
    const real = await createJobFolder({ dataFolder, id: 'full' })
    const { timeline } = await begin([], { ...real, writeEvent: () => Promise.reject(full) })
    timeline.emit({ type: 'note', message: 'nobody waits for this one' })
    await expect(timeline.log(0, Buffer.from('output\n'))).rejects.toBe(full)
    await expect(timeline.settle()).rejects.toBe(full)
    await real.close()
  })
})

describe('a remark in the middle of a step', () => {
  it('is a line of its own, and does not let a secret through that is torn by it', async () => {
    const secret = 'the-deploy-secret'
    const { timeline, events, folder } = await begin([secret])
    await timeline.log(0, Buffer.from(`half a line with ${secret.slice(0, 8)}`))
    timeline.remark(`ada came in with ${secret}`)
    await timeline.log(0, Buffer.from(`${secret.slice(8)} and on\n`))
    timeline.remark('ada left')
    await timeline.endLog(0)
    await timeline.settle()
    await folder.close()
    const text = events.map((event) => (event.type === 'log' ? event.data.toString() : '')).join('')
    const stars = /\*+/.exec(text)?.[0] ?? 'no stars'
    expect(text).toBe(
      `half a line with \n[mayfly] ada came in with ${stars}\n${stars} and on\n[mayfly] ada left\n`,
    )
    expect(events.map((event) => event.type === 'log' && event.step)).toEqual([0, undefined, 0, undefined])
  })
})
