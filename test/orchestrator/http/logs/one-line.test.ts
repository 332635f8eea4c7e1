import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lineIndexName } from '../../../../runner/job/filenames.ts'
import { httpWorld } from '../http-world.ts'

const size = 2 ** 30
/** What would break out of HTML, what a terminal obeys, and bytes that are no text; again and again for 16 MiB. */
const hostile = Buffer.concat([
  Buffer.from('<script>alert(1)</script>'),
  Buffer.from('\u001b]0;owned\u0007\u001b[2J'),
  Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x00]),
])

// The line index that a writer would have left: one entry, for the first line.
async function writeOneLine(folder: string): Promise<void> {
  await using log = await open(join(folder, 'log'), 'w')
  await log.write(Buffer.alloc(16 * 2 ** 20, hostile))
  await log.write('needle', 2 ** 29)
  await log.write('\nlast\n', size)
  await writeFile(join(folder, lineIndexName('log')), Buffer.alloc(8))
}

describe('a log of one line of 1 GB', () => {
  it('is a page, a tail, a search and a range in bounded memory, with nothing in them that is obeyed', async () => {
    const world = await httpWorld()
    const { job, folder } = await world.addJob({ state: 'passed' })
    await writeOneLine(folder)
    const before = process.memoryUsage().rss
    const get = async (path: string) => {
      const answer = await world.ask(path, { scopes: ['read'] })
      expect(answer.status, path).toBe(200)
      return await answer.text()
    }
    const api = `/api/v1/jobs/${job.id}/log`

    for (const path of [`/jobs/${job.id}`, `/jobs/${job.id}/lines?line=1&lines=2`]) {
      const page = await get(path)
      expect(page.length).toBeLessThan(2 ** 20)
      expect(page).not.toContain('<script>alert')
      for (const obeyed of ['\u001b', '\u0007', '\0']) expect(page).not.toContain(obeyed)
    }
    expect(await get(`/jobs/${job.id}/lines?line=2&lines=1`)).toContain('last')
    expect(await get(`${api}?line=2`)).toBe('last\n')
    expect(await get(`${api}?start=${2 ** 29}&end=${2 ** 29 + 6}`)).toBe('needle')
    const { matches } = JSON.parse(await get(`${api}/search?text=needle`))
    expect(matches).toMatchObject([{ line: 1 }])
    expect(JSON.stringify(matches)).not.toContain('\\u001b')
    expect(await get(`${api}/follow?start=${size}`)).toContain('last')
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(200)
  })
})
