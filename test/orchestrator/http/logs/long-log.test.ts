import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lineIndexName } from '../../../../runner/job/filenames.ts'
import { lineEntrySize, linesPerEntry } from '../../../../runner/logs/log-index.ts'
import { type HttpWorld, httpWorld } from '../http-world.ts'

const lineBytes = 64
const blockBytes = 2 ** 20
const size = 2 ** 30
const lines = size / lineBytes
/** For one answer on a busy host; a quiet one takes hundredths of it. */
const soonMs = 15_000
const grownMiB = 150

const plain = `${'a line of a log that is very long'.padEnd(lineBytes - 1)}\n`
const marked = (text: string) => `${text.padEnd(lineBytes - 1)}\n`

/** Lines that differ from the others, by their number. */
const special = new Map([
  [1, marked('the first line')],
  [lines / 2, marked('a needle in the middle')],
  [lines - 3, marked('a needle near the end')],
  [lines, marked('the last line')],
])

// Of real lines, written as blocks that are all alike, with the index that a writer would have left.
async function writeLongLog(folder: string): Promise<void> {
  await using log = await open(join(folder, 'log'), 'w')
  const block = Buffer.from(plain.repeat(blockBytes / lineBytes))
  for (let at = 0; at < size; at += blockBytes) await log.write(block, 0, blockBytes, at)
  for (const [line, text] of special) await log.write(text, (line - 1) * lineBytes)
  const index = Buffer.alloc((lines / linesPerEntry + 1) * lineEntrySize)
  for (let entry = 0; entry * linesPerEntry <= lines; entry++)
    index.writeBigUInt64LE(BigInt(entry * linesPerEntry * lineBytes), entry * lineEntrySize)
  await using file = await open(join(folder, lineIndexName('log')), 'w')
  await file.write(index)
}

describe('a log of 1 GB', () => {
  it('answers by range, tail, line and search, opens at any line and is followed from its end, with memory flat', async () => {
    const world = await httpWorld()
    const { job, folder } = await world.addJob({ state: 'passed' })
    await writeLongLog(folder)
    expect((await stat(join(folder, 'log'))).size).toBe(size)
    const before = process.memoryUsage().rss
    const path = `/api/v1/jobs/${job.id}/log`
    const get = (query: string) => soon(world, `${path}${query}`)

    expect(await get(`?start=0&end=${lineBytes}`)).toBe(special.get(1))
    expect(await get(`?start=${size - lineBytes}`)).toBe(special.get(lines))
    expect(await get('?tail=1')).toBe(special.get(lines))
    expect((await get('?tail=1000')).length).toBe(1000 * lineBytes)
    expect(await get(`?line=${lines / 2}&lines=2`)).toBe(special.get(lines / 2) + plain)
    expect(await get(`?line=${lines + 1}`)).toBe('')

    const { matches } = JSON.parse(await get('/search?text=needle'))
    expect(matches).toEqual([
      { line: lines / 2, offset: size / 2 - lineBytes, text: special.get(lines / 2)?.slice(0, -1) },
      { line: lines - 3, offset: size - 4 * lineBytes, text: special.get(lines - 3)?.slice(0, -1) },
    ])
    expect(JSON.parse(await get('/search?text=very%20long&limit=1000')).matches).toHaveLength(1000)

    const page = (query: string) => soon(world, `/jobs/${job.id}${query}`)
    expect(await page('')).toContain('the first line')
    expect(await page(`?line=${lines / 2}`)).toContain('a needle in the middle')
    const last = await page(`?offset=${size - 1}`)
    expect(last).toContain(`id="L${lines}"`)
    expect(last).toContain('the last line')
    expect(await page(`/lines?line=${lines - 3}&lines=2`)).toContain('a needle near the end')

    const followed = await get(`/follow?start=${size - lineBytes}`)
    expect(followed).toContain('the last line')
    expect(followed).toContain(`"state":"passed","offset":${size}`)

    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(grownMiB)
  }, 120_000)
})

async function soon({ ask }: HttpWorld, path: string): Promise<string> {
  const started = performance.now()
  const answer = await ask(path, { scopes: ['read'] })
  expect(answer.status, path).toBe(200)
  const text = await answer.text()
  expect(performance.now() - started, path).toBeLessThan(soonMs)
  return text
}
