import { truncateSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect } from 'vitest'
import { lineIndexName, timeIndexName } from '../../runner/job/filenames.ts'
import { folderFiles } from '../../runner/job/folder-files.ts'
import { findLine } from '../../runner/logs/find-line.ts'
import { LogFile } from '../../runner/logs/log-file.ts'
import { fuzz } from './fuzz.ts'
import { scratchFolder } from './scratch-folder.ts'

const scratch = scratchFolder()

const name = 'log'
/** Runs of lines, so that few numbers make many: the index has an entry every 256th. */
const run = fc.record({
  text: fc.constantFrom('', 'a', 'ü', '\r', 'some words', '\u001b[1m'),
  times: fc.nat(300),
})

fuzz({
  target: 'log-index',
  cases: fc.record({
    runs: fc.array(run, { maxLength: 4 }),
    rest: fc.constantFrom('', 'no end'),
    /** Where the process was killed, as a part of 1000; what the indexes had then, in bytes; what was torn. */
    killedAt: fc.nat(1000),
    lineBytes: fc.nat(40),
    timeBytes: fc.nat(40),
    garbage: fc.base64String({ maxLength: 40 }),
    looked: fc.array(fc.oneof(fc.constantFrom(1, 256, 257, 513), fc.integer({ min: 1, max: 1300 })), {
      maxLength: 2,
    }),
  }),
  async holds({ runs, rest, killedAt, lineBytes, timeBytes, garbage, looked }) {
    const whole = Buffer.from(runs.map(({ text, times }) => `${text}\n`.repeat(times)).join('') + rest)
    const cut = Math.floor((whole.length * killedAt) / 1000)
    for (const file of [name, lineIndexName(name), timeIndexName(name)]) writeFileSync(scratch.path(file), '')
    await write(whole.subarray(0, cut))
    tear(lineIndexName(name), lineBytes, garbage)
    tear(timeIndexName(name), timeBytes, garbage)
    await write(whole.subarray(cut))

    const starts = [0]
    for (let at = whole.indexOf(10); at !== -1; at = whole.indexOf(10, at + 1)) starts.push(at + 1)
    for (const line of new Set([...looked, starts.length, starts.length + 1])) {
      const start = starts[line - 1]
      const expected = start !== undefined && start < whole.length ? start : undefined
      expect(await findLine({ files: folderFiles(scratch.folder()), name, line }), `line ${line}`).toBe(
        expected,
      )
    }
  },
})

async function write(bytes: Buffer): Promise<void> {
  const log = await LogFile.open({ folder: scratch.folder(), name })
  await log.append(bytes, 0)
  await log.close()
}

/** What a crash leaves of an index: less than there was, or whole records that were never written. */
function tear(file: string, bytes: number, garbage: string): void {
  const path = scratch.path(file)
  if (bytes % 2 === 0) truncateSync(path, bytes)
  else writeFileSync(path, Buffer.from(garbage, 'base64'), { flag: 'a' })
}
