import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import type { JobSource } from '../../../runner/job/job-order.ts'
import { liveJob } from './live-job.ts'

const pipeline = 'steps: [ make ]'

const sourceOf = (stream: Readable, notes: readonly string[] = []): JobSource => ({
  tree: async () => ({ stream, notes }),
  files: async () => ({ stream, notes }),
})

describe('the upload', () => {
  it('brings the repository into the machine with its modes and contents', async () => {
    const { machine, events } = await liveJob({
      pipeline,
      repository: { Makefile: 'all:\n', 'src/main.c': 'int main;' },
    })
    const files = machine?.uploads[0]?.filter(({ type }) => type === 'file')
    expect(files?.map(({ name, content }) => [name, content])).toEqual([
      ['Makefile', 'all:\n'],
      ['src/main.c', 'int main;'],
    ])
    expect(JSON.stringify(events)).toContain('"message":"uploaded 14 B"')
  })

  it('that cannot be read on this host makes the job errored, of class upload, and lets go of the stream', async () => {
    const stream = new Readable({
      read() {
        this.destroy(new Error('EIO: i/o error, read'))
      },
    })
    const { record, machine } = await liveJob({ pipeline, source: sourceOf(stream) })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'upload' })
    expect(record.reason).toBe('the files could not be uploaded: EIO: i/o error, read')
    expect(stream.destroyed).toBe(true)
    expect(machine?.ran).toEqual([])
  })

  it('that is refused for its size is the user’s to mend', async () => {
    const refusal = new ConfigError('expected at most 4 GiB to upload, got more')
    const refusing: JobSource = { tree: () => Promise.reject(refusal), files: () => Promise.reject(refusal) }
    const { record } = await liveJob({ pipeline, source: refusing })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'config', reason: refusal.message })
  })

  it('tells what is left out or odd', async () => {
    const empty = Readable.from([Buffer.alloc(1024)])
    const { events } = await liveJob({
      pipeline,
      source: sourceOf(empty, ['"pipe" is not uploaded: a pipe']),
    })
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'note', message: '"pipe" is not uploaded: a pipe' }),
    )
  })

  it('lets go of its stream when it is cancelled', async () => {
    const stream = new Readable({ read: () => undefined })
    const { record } = await liveJob({
      pipeline,
      source: sourceOf(stream),
      cancelAt: (event) => event.type === 'phase-started' && event.phase === 'upload',
    })
    expect(record.verdict).toBe('cancelled')
    expect(stream.destroyed).toBe(true)
  })
})
