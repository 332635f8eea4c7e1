import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type HttpWorld, httpWorld } from '../http-world.ts'

const text = (line: number) => `line ${line} é${line % 100 === 0 ? ' \u001b[1mround\u001b[0m' : ''}\n`
const whole = Array.from({ length: 1000 }, (_, index) => text(index + 1)).join('')

async function logged(): Promise<HttpWorld & { path: string; get: (query: string) => Promise<string> }> {
  const world = await httpWorld()
  const { job, folder } = await world.addJob()
  const file = await world.openLog(folder)
  await file.append(Buffer.from(whole), 0)
  await file.close()
  const path = `/api/v1/jobs/${job.id}/log`
  const get = async (query: string) => await (await world.ask(`${path}${query}`, { scopes: ['read'] })).text()
  return { ...world, path, get }
}

describe('a log over HTTP', () => {
  it('comes whole as plain text that no browser takes for anything else', async () => {
    const { ask, path } = await logged()
    const answer = await ask(path, { scopes: ['read'] })
    expect(await answer.text()).toBe(whole)
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('x-log-size')).toBe(String(Buffer.byteLength(whole)))
  })

  it('comes by bytes, by lines and by its tail', async () => {
    const { get } = await logged()
    const bytes = Buffer.from(whole)
    expect(await get('?start=5&end=25')).toBe(bytes.subarray(5, 25).toString())
    expect(await get(`?start=${bytes.length - 4}&end=${bytes.length + 100}`)).toBe(
      bytes.subarray(-4).toString(),
    )
    expect(await get('?start=999999')).toBe('')
    expect(await get('?start=9&end=3')).toBe('')
    expect(await get('?line=1&lines=1')).toBe(text(1))
    expect(await get('?line=257&lines=2')).toBe(text(257) + text(258))
    expect(await get('?line=999&lines=50')).toBe(text(999) + text(1000))
    expect(await get('?line=5000')).toBe('')
    expect(await get('?tail=2')).toBe(text(999) + text(1000))
    expect(await get('?tail=100000')).toBe(whole)
  })

  it.each(['?start=-1', '?tail=0', '?line=0', '?lines=x', '?line=1.5', '?tail=9999999'])(
    'refuses %s with 400',
    async (query) => {
      const { ask, path } = await logged()
      expect((await ask(`${path}${query}`, { scopes: ['read'] })).status).toBe(400)
    },
  )

  it('answers HEAD by the size without reading', async () => {
    const { ask, path } = await logged()
    const answer = await ask(path, { method: 'HEAD', scopes: ['read'] })
    expect(answer.headers.get('x-log-size')).toBe(String(Buffer.byteLength(whole)))
    expect(await answer.text()).toBe('')
  })

  it('is empty for a job that has not begun, and 404 for a job or an attempt that is not there', async () => {
    const { ask, addJob } = await httpWorld()
    const { job } = await addJob({ state: 'queued' })
    const ask200 = await ask(`/api/v1/jobs/${job.id}/log?tail=5`, { scopes: ['read'] })
    expect([ask200.status, await ask200.text()]).toEqual([200, ''])
    for (const path of [
      `${job.id}/log?attempt=2`,
      `${job.id}/log?attempt=../1`,
      'none/log',
      '..%2f..%2fetc/console',
    ])
      expect((await ask(`/api/v1/jobs/${path}`, { scopes: ['read'] })).status).toBe(404)
  })
})

describe('searching a log', () => {
  const search = async (world: Pick<HttpWorld, 'ask'>, path: string, query: Record<string, string>) =>
    (await (
      await world.ask(`${path}/search?${new URLSearchParams(query)}`, { scopes: ['read'] })
    ).json()) as { matches: { line: number; offset: number; text: string }[] }

  it('gives the lines with their numbers and offsets, without escapes, up to the limit', async () => {
    const world = await logged()
    const { matches } = await search(world, world.path, { text: 'round', limit: '3' })
    expect(matches.map(({ line }) => line)).toEqual([100, 200, 300])
    expect(matches[0]?.text).toBe('line 100 é round')
    expect(matches[0]?.offset).toBe(Buffer.byteLength(whole.slice(0, whole.indexOf('line 100 '))))
    expect((await search(world, world.path, { text: '.*' })).matches).toEqual([])
  })

  it('finds a text anywhere in a line of many megabytes, and what comes after it at its offset', async () => {
    const { ask, addJob } = await httpWorld()
    const { job, folder } = await addJob()
    const long = Buffer.alloc(4 * 2 ** 20, 'x')
    long.write('needle', 100_000)
    const across = Buffer.alloc(2 ** 20, 'y')
    // Reads are of 256 KiB; the long line and its end come before.
    across.write('needle', 256 * 1024 - 1 - 3)
    await writeFile(
      join(folder, 'log'),
      Buffer.concat([long, Buffer.from('\n'), across, Buffer.from('\nneedle')]),
    )
    const { matches } = await search({ ask }, `/api/v1/jobs/${job.id}/log`, { text: 'needle' })
    expect(matches.map(({ line, offset }) => [line, offset])).toEqual([
      [1, 0],
      [2, long.length + 1],
      [3, long.length + across.length + 2],
    ])
    expect(matches[0]?.text.length).toBeLessThanOrEqual(500)
  })

  it('finds the same lines as reading every one of them would, wherever the blocks end', async () => {
    const { ask, addJob, openLog } = await httpWorld()
    const { job, folder } = await addJob()
    // Lines of about a tenth of a block, so that texts lie across the border of every block.
    const lines = Array.from({ length: 60 }, (_, index) => {
      const padding = (at: number) => 'ab'.repeat(((index + at) * 7919) % 60_000)
      return index % 3 === 0 ? `${padding(1)}needle${padding(5)}needle` : padding(3)
    })
    const file = await openLog(folder)
    await file.append(Buffer.from(lines.join('\n')), 0)
    await file.close()
    const { matches } = await search({ ask }, `/api/v1/jobs/${job.id}/log`, { text: 'needle' })
    const starts = lines.map((_, index) =>
      lines.slice(0, index).reduce((sum, one) => sum + one.length + 1, 0),
    )
    const wanted = lines.flatMap((one, index) => (one.includes('needle') ? [[index + 1, starts[index]]] : []))
    expect(matches.map(({ line, offset }) => [line, offset])).toEqual(wanted)
    expect((await search({ ask }, `/api/v1/jobs/${job.id}/log`, { text: 'b\na' })).matches).toEqual([])
  })
})
