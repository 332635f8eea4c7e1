import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { scrubFile } from '../../../runner/scrub/scrub-file.ts'

const { signal } = new AbortController()
const secret = 'correct-horse-battery'
/** What is read at a time. bytes */
const chunk = 8 * 2 ** 20

async function aFile(places: readonly number[], size: number): Promise<{ path: string; content: Buffer }> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-scrub-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'disk')
  const content = Buffer.alloc(size, 'abcdefg')
  for (const at of places) content.write(secret, at)
  await writeFile(path, content)
  return { path, content }
}

it('overwrites a secret everywhere in a file, over the borders of what is read at a time too', async () => {
  const places = [
    0,
    5000,
    chunk - 10,
    2 * chunk - secret.length,
    2 * chunk + 100,
    2 * chunk + 12_345 - secret.length,
  ]
  const { path, content } = await aFile(places, 2 * chunk + 12_345)
  const needles = [Buffer.from(secret)]
  // What lies over a border counts on both of its sides.
  expect(await scrubFile({ path, needles, signal })).toBe(places.length + 1)
  for (const at of places) content.fill('*', at, at + secret.length)
  expect((await readFile(path)).equals(content)).toBe(true)
  expect(await scrubFile({ path, needles, signal })).toBe(0)
})

it('stops when it is told to, and says what the system says', async () => {
  const { path } = await aFile([5], 100)
  const stop = new AbortController()
  stop.abort(new Error('no more time'))
  await expect(scrubFile({ path, needles: [], signal: stop.signal })).rejects.toThrow('no more time')
  await expect(scrubFile({ path: `${path}-gone`, needles: [], signal })).rejects.toThrow('ENOENT')
})
