import { appendFile, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { folderFiles } from '../../../runner/job/folder-files.ts'
import { findLine } from '../../../runner/logs/find-line.ts'
import { LogFile } from '../../../runner/logs/log-file.ts'
import { readRange } from '../../../runner/logs/read-range.ts'
import { timeAt } from '../../../runner/logs/time-at.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-log-'))
})
afterEach(() => rm(folder, { recursive: true }))

const where = () => ({ folder, name: 'log' })
const bytes = () => readFile(join(folder, 'log'))

async function write(chunks: string[], options: { limit?: number } = {}): Promise<void> {
  const log = await LogFile.open({ ...where(), ...options })
  for (const [index, chunk] of chunks.entries()) await log.append(Buffer.from(chunk), index * 20)
  await log.close()
}

describe('LogFile', () => {
  it('keeps the bytes as they came and knows their number', async () => {
    const log = await LogFile.open(where())
    await log.append(Buffer.from('one\n'), 0)
    await log.append(Buffer.from([0, 255, 10]), 1)
    expect(log.size).toBe(7)
    await log.close()
    expect(await bytes()).toEqual(Buffer.from('one\n\0\xff\n', 'latin1'))
  })

  it('lets a reader see after flush what was appended before it', async () => {
    const log = await LogFile.open(where())
    void log.append(Buffer.from('early'), 0)
    await log.flush()
    expect(await text(readRange({ file: log.path, start: 1, end: 3 }))).toBe('ar')
    await log.close()
  })

  it('holds the caller back when the disk is behind by more than a mebibyte', async () => {
    const log = await LogFile.open(where())
    await log.append(Buffer.alloc(3 * 1024 * 1024, 'x'), 0)
    expect((await bytes()).length).toBe(3 * 1024 * 1024)
    await log.close()
  })

  it('writes the offset of every 256th line start as u64 LE', async () => {
    const lines = Array.from({ length: 600 }, (_, index) => `line ${index + 1}\n`)
    await write(lines)
    const index = await readFile(join(folder, 'log.lines'))
    const offsets = [0, 1, 2].map((entry) => Number(index.readBigUInt64LE(entry * 8)))
    expect(index.length).toBe(24)
    expect(offsets).toEqual([0, lines.slice(0, 256).join('').length, lines.slice(0, 512).join('').length])
  })

  it('notes times no more often than every 50 ms', async () => {
    await write(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    const index = await readFile(join(folder, 'log.times'))
    expect(index.length).toBe(3 * 16)
    expect(await timeAt({ ...where(), offset: 0 })).toBe(0)
    expect(await timeAt({ ...where(), offset: 2 })).toBe(0)
    expect(await timeAt({ ...where(), offset: 3 })).toBe(60)
    expect(await timeAt({ ...where(), offset: 1000 })).toBe(120)
  })

  it('ends a log that reaches its limit with one line that says so', async () => {
    await write(['12345\n', 'abcdefgh', 'more', 'and more\n'], { limit: 10 })
    expect((await bytes()).toString()).toBe('12345\nabcd\nlog limit of 10B reached: the rest is not kept\n')
  })

  it('names the limit in MiB and starts no empty line before it', async () => {
    await write([`${'x'.repeat(1048575)}\n`, 'y'], { limit: 1048576 })
    expect((await bytes()).subarray(1048575).toString()).toBe(
      '\nlog limit of 1MiB reached: the rest is not kept\n',
    )
  })

  it('keeps a log at its limit cut after it was opened again', async () => {
    await write(['12345678901'], { limit: 10 })
    const first = (await bytes()).toString()
    await truncate(join(folder, 'log'), 15)
    await write(['more'], { limit: 10 })
    expect((await bytes()).toString()).toBe(first)
  })

  it('can be closed twice, and drops what comes after', async () => {
    const log = await LogFile.open(where())
    await log.close()
    await log.close()
    await log.append(Buffer.from('late'), 0)
    expect((await bytes()).length).toBe(0)
  })

  it('reports a full disk as one, and goes on saying so', async () => {
    await symlink('/dev/full', join(folder, 'log'))
    const log = await LogFile.open(where())
    await log.append(Buffer.from('x'), 0)
    await expect(log.flush()).rejects.toMatchObject({ class: 'host-disk-full' })
    await expect(log.append(Buffer.from('y'), 1)).rejects.toMatchObject({ class: 'host-disk-full' })
    await expect(log.close()).rejects.toMatchObject({ class: 'host-disk-full' })
  })
})

describe('a log that a crash left', () => {
  it('is continued with its indexes mended, wherever they were torn', async () => {
    const lines = Array.from({ length: 1500 }, (_, index) => `${index} ${'.'.repeat(index % 40)}\n`)
    const whole = lines.join('')
    const torn = fc.record({
      lines: fc.nat(48),
      times: fc.nat(200),
      garbage: fc.uint8Array({ maxLength: 30 }),
    })
    await fc.assert(
      fc.asyncProperty(torn, fc.nat(whole.length), async (tear, cut) => {
        for (const name of ['log', 'log.lines', 'log.times']) await rm(join(folder, name), { force: true })
        await write([whole.slice(0, cut)])
        await truncateTo(join(folder, 'log.lines'), tear.lines)
        await truncateTo(join(folder, 'log.times'), tear.times)
        await appendFile(join(folder, 'log.lines'), tear.garbage.slice(0, 7))
        await appendFile(join(folder, 'log.times'), tear.garbage.slice(0, 15))
        await write([whole.slice(cut)])
        for (const line of [1, 256, 257, 700, 1025, 1500]) {
          expect(await findLine({ files: folderFiles(folder), name: 'log', line })).toBe(
            lines.slice(0, line - 1).join('').length,
          )
        }
      }),
      { numRuns: 25 },
    )
  })

  it('drops index entries about bytes that never reached the disk', async () => {
    await write(['a\n'.repeat(1000)])
    await truncate(join(folder, 'log'), 700)
    await write(['b\n'.repeat(300)])
    expect(await findLine({ files: folderFiles(folder), name: 'log', line: 513 })).toBe(1024)
    expect((await readFile(join(folder, 'log.lines'))).length).toBe(3 * 8)
  })
})

describe('findLine', () => {
  it('finds every line of any text, and none beyond it', async () => {
    const texts = fc.array(fc.constantFrom('', 'a', 'some words', 'x'.repeat(300)), { maxLength: 900 })
    await fc.assert(
      fc.asyncProperty(texts, fc.boolean(), async (lines, ended) => {
        for (const name of ['log', 'log.lines', 'log.times']) await rm(join(folder, name), { force: true })
        const whole = lines.map((line) => `${line}\n`).join('') + (ended ? '' : 'rest')
        await write([whole.slice(0, 100), whole.slice(100)])
        const starts = [0, ...[...whole.matchAll(/\n/g)].map(({ index }) => index + 1)]
        for (let line = 1; line <= starts.length + 1; line += 1 + Math.floor(starts.length / 20)) {
          const start = starts[line - 1]
          const expected = start !== undefined && start < whole.length ? start : undefined
          expect(await findLine({ files: folderFiles(folder), name: 'log', line })).toBe(expected)
        }
      }),
      { numRuns: 25 },
    )
  })

  it('knows no line 0, no fraction and no line of an empty log', async () => {
    await writeFile(join(folder, 'log'), '')
    await writeFile(join(folder, 'log.lines'), '')
    for (const line of [0, -1, 1.5, 1])
      expect(await findLine({ files: folderFiles(folder), name: 'log', line })).toBeUndefined()
  })
})

describe('readRange', () => {
  it('gives exactly the bytes from start to before end, and nothing beyond the file', async () => {
    await write(['0123456789'])
    const file = join(folder, 'log')
    expect(await text(readRange({ file, start: 2, end: 5 }))).toBe('234')
    expect(await text(readRange({ file, start: 8 }))).toBe('89')
    expect(await text(readRange({ file, start: 8, end: 100 }))).toBe('89')
    expect(await text(readRange({ file, start: 5, end: 5 }))).toBe('')
    expect(await text(readRange({ file, start: 50 }))).toBe('')
  })
})

async function truncateTo(file: string, length: number): Promise<void> {
  const { length: size } = await readFile(file)
  await truncate(file, Math.min(size, length))
}
