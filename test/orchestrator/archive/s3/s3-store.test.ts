import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { HostBucket } from '../../../../config/host/host-config.ts'
import { createS3Store } from '../../../../orchestrator/archive/s3/s3-store.ts'
import { aBucket, accessKey, useS3Server, withKey } from './start-s3-server.ts'

const s3 = useS3Server()

async function keysOf(items: AsyncIterable<{ key: string } | string>): Promise<string[]> {
  const keys: string[] = []
  for await (const item of items) keys.push(typeof item === 'string' ? item : item.key)
  return keys
}

async function aFile(content: Buffer | string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-s3-file-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'file'), content)
  return join(folder, 'file')
}

type Seen = { method: string; url: string; headers: NodeJS.Dict<string | string[]> }

/** Passes requests on to the server, and notes them; the first `broken` are cut off, each at another place. */
async function aProxy({ broken = 0 } = {}): Promise<{ endpoint: string; seen: Seen[] }> {
  const seen: Seen[] = []
  let left = broken
  const proxy = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming
    seen.push({ method, url, headers })
    const isCut = left-- > 0
    if (isCut && left % 2 === 0) return void incoming.socket.destroy()
    const passed = request({ port: s3.server.port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      if (!isCut) return void answer.pipe(outgoing)
      answer.resume()
      outgoing.write('cut', () => outgoing.destroy())
    })
    passed.on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  return { endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, seen }
}

describe('createS3Store', () => {
  it('gives back what was put, whole and by range, and nothing for what is not there', async () => {
    const store = createS3Store(s3.bucket)
    await store.put('a/log', '0123456789')
    expect(String(await store.get('a/log'))).toBe('0123456789')
    expect(String(await store.get('a/log', { start: 2, end: 5 }))).toBe('234')
    expect(String(await store.get('a/log', { start: 8, end: 100 }))).toBe('89')
    expect(String(await store.get('a/log', { start: 50, end: 60 }))).toBe('')
    expect(await store.size('a/log')).toBe(10)
    expect([await store.get('a/no'), await store.size('a/no')]).toEqual([undefined, undefined])
    await store.remove('a/log')
    await store.remove('a/log')
    expect(await store.size('a/log')).toBeUndefined()
  })

  it('puts a file in parts of which none is lost, and reads across them', async () => {
    const { endpoint, seen } = await aProxy()
    const store = createS3Store({ ...s3.bucket, endpoint })
    const content = randomBytes(18 * 2 ** 20)
    await store.putFile('artifacts/disk image.raw', await aFile(content))
    expect(await store.size('artifacts/disk image.raw')).toBe(content.length)
    const span = { start: 8 * 2 ** 20 - 5, end: 8 * 2 ** 20 + 5 }
    expect(await store.get('artifacts/disk image.raw', span)).toEqual(content.subarray(span.start, span.end))
    expect((await store.get('artifacts/disk image.raw'))?.equals(content)).toBe(true)
    expect(seen.filter(({ method, url }) => method === 'PUT' && /partNumber=/.test(url))).toHaveLength(3)
    await store.putFile('artifacts/empty', await aFile(''))
    expect(await store.size('artifacts/empty')).toBe(0)
  })

  it('lists and removes more than a page of objects, and their folders, in order and below its prefix only', async () => {
    const store = createS3Store(s3.bucket)
    const keys = Array.from(
      { length: 130 },
      (_, index) => `builds/b${String(index).padStart(3, '0')}/record.json`,
    )
    for (let at = 0; at < keys.length; at += 10)
      await Promise.all(keys.slice(at, at + 10).map((key) => store.put(key, '{}')))
    await createS3Store({ ...s3.bucket, prefix: 'some/where-else' }).put('builds/other/record.json', '{}')
    expect(await keysOf(store.list('builds/'))).toEqual(keys)
    expect(await keysOf(store.folders('builds/'))).toEqual(keys.map((key) => key.split('/')[1]))
    await store.removeAll('builds/b1')
    expect(await keysOf(store.list('builds/'))).toEqual(keys.slice(0, 100))
    await store.removeAll('builds/')
    expect(await keysOf(store.list('builds/'))).toEqual([])
  })

  it('does again what a broken connection cut off, answers that break off as well', async () => {
    const { endpoint, seen } = await aProxy({ broken: 2 })
    await createS3Store(s3.bucket).put('log', 'a line\n'.repeat(1000))
    const store = createS3Store({ ...s3.bucket, endpoint })
    expect((await store.get('log'))?.length).toBe(7000)
    expect(seen).toHaveLength(3)
    const again = await aProxy({ broken: 1 })
    await createS3Store({ ...s3.bucket, endpoint: again.endpoint }).put('log', 'another')
    expect(String(await store.get('log'))).toBe('another')
  })

  it('has objects encrypted where that is asked for: nothing of them is readable on the disk of the storage', async () => {
    const { endpoint, seen } = await aProxy()
    const store = createS3Store({ ...s3.bucket, endpoint, encryption: 'AES256' })
    await store.put('secret', 'a line that nobody may read')
    await store.putFile('large', await aFile(Buffer.alloc(9 * 2 ** 20, 'a line that nobody may read')))
    const asked = seen.filter(
      ({ method, url }) => (method === 'PUT' && !/partNumber/.test(url)) || /uploads/.test(url),
    )
    expect(asked.map(({ headers }) => headers['x-amz-server-side-encryption'])).toEqual(['AES256', 'AES256'])
    expect(String(await store.get('secret'))).toBe('a line that nobody may read')
    const entries = await readdir(s3.server.folder, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.data'))
    expect(files.length).toBeGreaterThan(0)
    for (const { parentPath, name } of files)
      expect((await readFile(join(parentPath, name))).includes('nobody may read')).toBe(false)
  })

  it('sends the key that AWS is to encrypt with, and says so where a storage has none', async () => {
    const { endpoint, seen } = await aProxy()
    const store = createS3Store({ ...s3.bucket, endpoint, encryption: 'aws:kms', kmsKey: 'alias/ci' })
    await expect(store.put('secret', 'x')).rejects.toMatchObject({
      message: expect.stringContaining('NotImplemented'),
      hint: expect.stringContaining('s3.encryption'),
    })
    expect(seen[0]?.headers).toMatchObject({
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'alias/ci',
    })
  })

  it('takes its key from a file where one is named, and not from the environment then', async () => {
    withKey({ accessKeyId: 'test:nobody', secretAccessKey: 'wrong' })
    const { accessKeyId, secretAccessKey } = accessKey
    const credentials = await aFile(
      `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    )
    await createS3Store({ ...s3.bucket, credentials }).check()
    await expect(createS3Store(s3.bucket).check()).rejects.toThrow()
  })

  it('says in plain words what is wrong with key, secret and bucket', async () => {
    const check = (change: Partial<HostBucket> = {}) => createS3Store({ ...s3.bucket, ...change }).check()
    await check()
    await expect(check({ name: 'no-such-bucket' })).rejects.toMatchObject({
      message: expect.stringContaining(`s3://no-such-bucket at ${s3.bucket.endpoint}`),
      hint: expect.stringContaining('Make the bucket first'),
    })
    withKey({ ...accessKey, secretAccessKey: 'wrong' })
    await expect(check()).rejects.toMatchObject({ hint: expect.stringContaining('does not fit the key id') })
    process.env.AWS_ACCESS_KEY_ID = ''
    await expect(check()).rejects.toMatchObject({ hint: expect.stringContaining('AWS_ACCESS_KEY_ID') })
    await expect(check({ credentials: '/no/such/file' })).rejects.toMatchObject({
      hint: expect.stringContaining('s3.credentials'),
    })
  })

  it('says that a storage is away, as something that passes', async () => {
    const away = aBucket({ endpoint: 'http://127.0.0.1:9' })
    await expect(createS3Store(away).put('a', 'b')).rejects.toMatchObject({
      name: 'InfraError',
      hint: expect.stringContaining('kept on this host'),
    })
  })
})
