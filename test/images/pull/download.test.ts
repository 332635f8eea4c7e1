import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ImageProgress } from '../../../images/image-progress.ts'
import { type DownloadOptions, download } from '../../../images/pull/download.ts'
import { withHttp } from '../../../images/pull/http.ts'
import { defaultLimits } from '../../../images/pull/limits.ts'
import { type DiskServer, startDiskServer } from '../disk-server.ts'
import { digestOf, rawDisk, temporaryFolder } from '../make-disk.ts'

const limits = { ...defaultLimits, retryDelay: 5 }
const body = rawDisk(600_000)
let server: DiskServer
let downloads: string

beforeEach(async () => {
  server = await startDiskServer()
  downloads = temporaryFolder()
})
afterEach(async () => {
  await server.close()
  rmSync(downloads, { recursive: true, force: true })
})

function start(parts: Partial<DownloadOptions> = {}) {
  return withHttp((get) =>
    download({
      name: 'test',
      url: `${server.url}/disk`,
      checksum: digestOf(body),
      downloads,
      get,
      limits,
      signal: new AbortController().signal,
      onProgress: () => {},
      ...parts,
    }),
  )
}

describe('download', () => {
  it('brings the file and its checksum, and says how far it is', async () => {
    server.files.set('/disk', { body, etag: '"1"' })
    const progress: ImageProgress[] = []
    const result = await start({ onProgress: (event) => progress.push(event) })
    expect(readFileSync(result.file).equals(body)).toBe(true)
    expect(result).toMatchObject({ checksum: digestOf(body), resumed: false })
    expect(progress.at(-1)).toEqual({ phase: 'download', bytes: body.length, total: body.length, resumed: 0 })
  })

  it('goes on where each broken connection left it', async () => {
    server.files.set('/disk', { body, etag: '"1"', breakAfter: 100_000 })
    const result = await start()
    expect(readFileSync(result.file).equals(body)).toBe(true)
    const [first, ...later] = server.requests.map(({ range }) => range)
    expect(first).toBeUndefined()
    // A broken connection can lose what was on its way, so each one begins where the bytes that came end.
    const starts = later.map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]))
    expect(starts.length).toBeGreaterThanOrEqual(5)
    for (const [index, start] of starts.entries()) {
      const before = starts[index - 1] ?? 0
      expect(start).toBeGreaterThan(before)
      expect(start - before).toBeLessThanOrEqual(100_000)
    }
  })

  it('goes on by date where the server has only a weak ETag', async () => {
    const lastModified = 'Tue, 01 Jul 2025 10:00:00 GMT'
    const file = { body, lastModified, breakAfter: 400_000 }
    server.files.set('/disk', file)
    const result = await start()
    expect(result.checksum).toBe(digestOf(body))
    expect(server.requests[1]?.range).toBe('bytes=400000-')
  })

  it('begins again where the server ignores Range', async () => {
    const file = { body, etag: '"1"', noRanges: true, breakAfter: 400_000 as number | undefined }
    server.files.set('/disk', file)
    const onProgress = ({ phase }: ImageProgress) => {
      if (phase === 'retry') {
        file.breakAfter = undefined
      }
    }
    const result = await start({ onProgress })
    expect(result.checksum).toBe(digestOf(body))
    expect(readFileSync(result.file).length).toBe(body.length)
  })

  it('begins again where the file changed in between', async () => {
    const newer = rawDisk(500_000)
    server.files.set('/disk', { body, etag: '"1"', breakAfter: 400_000 })
    const onProgress = ({ phase }: ImageProgress) => {
      if (phase === 'retry') {
        server.files.set('/disk', { body: newer, etag: '"2"' })
      }
    }
    const result = await start({ onProgress })
    expect(result.checksum).toBe(digestOf(newer))
    expect(readFileSync(result.file).equals(newer)).toBe(true)
  })

  it('begins again without validators, for nothing says that the rest would fit', async () => {
    const file = { body, breakAfter: 400_000 as number | undefined }
    server.files.set('/disk', file)
    const onProgress = ({ phase }: ImageProgress) => {
      if (phase === 'retry') {
        file.breakAfter = undefined
      }
    }
    expect((await start({ onProgress })).checksum).toBe(digestOf(body))
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, undefined])
  })

  it('goes on with what an earlier pull left, hashing it again', async () => {
    server.files.set('/disk', { body, etag: '"1"', stallAfter: 300_000 })
    const abort = new AbortController()
    const reason = new Error('Ctrl-C')
    const onProgress = (event: ImageProgress) => {
      if (event.phase === 'download') {
        setTimeout(() => abort.abort(reason), 100)
      }
    }
    await expect(start({ signal: abort.signal, onProgress })).rejects.toBe(reason)
    server.files.set('/disk', { body, etag: '"1"' })
    expect(await start()).toMatchObject({ checksum: digestOf(body), resumed: true })
    expect(server.requests[1]?.range).toMatch(/^bytes=[1-9]/)
  })

  it('does not go on with a part of another file', async () => {
    writeFileSync(join(downloads, 'source.part'), 'x'.repeat(1000))
    writeFileSync(
      join(downloads, 'source.json'),
      JSON.stringify({ url: `${server.url}/disk`, checksum: `sha256:${'0'.repeat(64)}`, validator: '"1"' }),
    )
    server.files.set('/disk', { body, etag: '"1"' })
    expect(await start()).toMatchObject({ checksum: digestOf(body), resumed: false })
    expect(server.requests[0]?.range).toBeUndefined()
  })

  it('begins again when its part is longer than the file', async () => {
    writeFileSync(join(downloads, 'source.part'), 'x'.repeat(body.length + 10))
    writeFileSync(
      join(downloads, 'source.json'),
      JSON.stringify({ url: `${server.url}/disk`, checksum: digestOf(body), validator: '"1"' }),
    )
    server.files.set('/disk', { body, etag: '"1"' })
    expect((await start()).checksum).toBe(digestOf(body))
    expect(server.requests).toHaveLength(2)
  })

  it('waits for a server that is busy for a while', async () => {
    server.files.set('/disk', { body, etag: '"1"', statuses: [503, 429] })
    expect((await start()).checksum).toBe(digestOf(body))
  })

  it('gives up on a server that only ever breaks, naming the address', async () => {
    server.files.set('/disk', { body, etag: '"1"', breakAfter: 0 })
    await expect(start()).rejects.toMatchObject({
      class: 'image',
      message: expect.stringContaining(server.url),
    })
    expect(server.requests).toHaveLength(limits.attempts)
  })

  it('says at once that the file is not there', async () => {
    await expect(start()).rejects.toMatchObject({
      class: 'image',
      message: expect.stringContaining('expected status 200'),
      hint: expect.stringContaining('moved'),
    })
    expect(server.requests).toHaveLength(1)
  })

  it('says that the image is absent and the network too when nobody answers', async () => {
    await server.close()
    await expect(start()).rejects.toMatchObject({
      class: 'image',
      message: expect.stringMatching(/"test" is not on this host and cannot be downloaded.*ECONNREFUSED/),
      hint: expect.stringContaining('mayfly images pull test'),
    })
    server = await startDiskServer()
  })

  it('refuses more than the limit, announced or not, and keeps none of it', async () => {
    for (const chunked of [false, true]) {
      server.files.set('/disk', { body, etag: '"1"', chunked })
      const tooLarge = start({ limits: { ...limits, imageBytes: 500_000 } })
      await expect(tooLarge).rejects.toMatchObject({
        class: 'image',
        message: expect.stringContaining('500000'),
      })
      expect(existsSync(join(downloads, 'source.part'))).toBe(false)
    }
  })
})
