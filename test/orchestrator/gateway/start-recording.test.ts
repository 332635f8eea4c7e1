import { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { startRecording } from '../../../orchestrator/gateway/start-recording.ts'

type Changes = { limitBytes?: number; size?: { cols: number; rows: number } }

function aRecording({ limitBytes = 1_000_000, size = { cols: 100, rows: 30 } }: Changes = {}) {
  const clock = { ms: 5_000 }
  const writes: string[] = []
  const failures: Error[] = []
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      writes.push(String(chunk))
      done()
    },
  })
  const recording = startRecording({
    ...{ sink, size, limitBytes, title: 'a title', term: 'xterm' },
    onFailed: (error) => failures.push(error),
    now: () => clock.ms,
  })
  const lines = () => writes.map((line) => JSON.parse(line))
  const shown = () =>
    lines()
      .filter((line) => line[1] === 'o')
      .map((line) => line[2])
      .join('')
  return { recording, clock, writes, sink, failures, lines, shown }
}

describe('startRecording', () => {
  it('writes a header, then what is shown and each change of size, with its time', async () => {
    const { recording, clock, lines, writes } = aRecording()
    clock.ms += 1500
    await recording.output(Buffer.from('hi\r\n'), 'stdout')
    clock.ms += 0.25
    recording.resize({ cols: 120, rows: 40 })
    recording.end()
    expect(lines()).toEqual([
      {
        version: 2,
        width: 100,
        height: 30,
        timestamp: expect.any(Number),
        title: 'a title',
        env: { TERM: 'xterm' },
      },
      [1.5, 'o', 'hi\r\n'],
      [1.50025, 'r', '120x40'],
    ])
    // Each line is one write, so that a crash cuts off no more than the last.
    expect(writes.every((line) => line.endsWith('\n') && !line.slice(0, -1).includes('\n'))).toBe(true)
  })

  it('gives a terminal that says no size a usual one', () => {
    const { lines } = aRecording({ size: { cols: 0, rows: 0 } })
    expect(lines()[0]).toMatchObject({ width: 80, height: 24 })
  })

  it('keeps every letter, wherever the chunks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary' }),
        fc.infiniteStream(fc.integer({ min: 1, max: 4 })),
        async (text, cuts) => {
          const { recording, shown } = aRecording()
          const bytes = Buffer.from(text)
          for (let at = 0; at < bytes.length; ) {
            const end = at + (cuts.next().value ?? 1)
            await recording.output(bytes.subarray(at, end), 'stdout')
            at = end
          }
          recording.end()
          expect(shown()).toBe(text)
        },
      ),
    )
  })

  it('marks what is not UTF-8, also at the very end, and mixes no letter out of two streams', async () => {
    const { recording, shown } = aRecording()
    await recording.output(Buffer.from([0x61, 0xff, 0xe2, 0x82]), 'stdout')
    await recording.output(Buffer.from([0xac]), 'stderr')
    recording.end()
    expect(shown()).toBe('a\ufffd\ufffd\ufffd')
  })

  it('stops at its limit with a note, and is never larger', async () => {
    const { recording, lines, writes } = aRecording({ limitBytes: 2_000 })
    for (let times = 0; times < 100; times += 1) await recording.output(Buffer.alloc(100, 'x'), 'stdout')
    recording.resize({ cols: 1, rows: 1 })
    recording.end()
    expect(lines().at(-1)).toEqual([0, 'm', expect.stringContaining('limit of 2000 bytes')])
    expect(lines().filter((line) => line[1] === 'm')).toHaveLength(1)
    expect(writes.join('').length).toBeLessThanOrEqual(2_000)
    expect(writes.length).toBeGreaterThan(10)
  })

  it('waits for a slow sink, and for one that fails no longer', async () => {
    let goOn: (error?: Error) => void = () => {}
    const sink = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        goOn = done
      },
    })
    const failures: Error[] = []
    const recording = startRecording({
      ...{ sink, size: { cols: 1, rows: 1 }, title: '', term: '', limitBytes: 1_000 },
      onFailed: (error) => failures.push(error),
    })
    let isThrough = false
    const through = recording.output(Buffer.from('a'), 'stdout').then(() => {
      isThrough = true
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isThrough).toBe(false)
    goOn(new Error('the disk is full'))
    await through
    expect(failures.map((error) => error.message)).toEqual(['the disk is full'])
    await recording.output(Buffer.from('b'), 'stdout')
  })
})
