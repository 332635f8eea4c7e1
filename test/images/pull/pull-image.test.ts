import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CatalogueEntry } from '../../../images/catalogue/entry.ts'
import type { ImageProgress } from '../../../images/image-progress.ts'
import { type PullOptions, pullImage } from '../../../images/pull/pull-image.ts'
import { type DiskServer, startDiskServer } from '../disk-server.ts'
import { testEntry } from '../entry.ts'
import { digestOf, hexOf, qcow2Disk, qemuImg, rawDisk, temporaryFolder } from '../make-disk.ts'

let server: DiskServer
let dataFolder: string

beforeEach(async () => {
  server = await startDiskServer()
  dataFolder = temporaryFolder()
})
afterEach(async () => {
  await server.close()
  rmSync(dataFolder, { recursive: true, force: true })
})

function pull(entry: CatalogueEntry, parts: Partial<PullOptions> = {}) {
  return pullImage({
    dataFolder,
    entry,
    when: 'absent',
    signal: new AbortController().signal,
    onProgress: () => {},
    limits: { retryDelay: 5 },
    ...parts,
  })
}

function serve(path: string, body: Buffer) {
  server.files.set(path, { body, etag: `"${hexOf(body)}"` })
  return testEntry({ url: server.url + path, digest: digestOf(body) })
}

function spawnPull(entry: CatalogueEntry, launcher: string[] = []) {
  const script = join(import.meta.dirname, '../pull-child.ts')
  const node = [process.execPath, '--import', 'tsx', script, dataFolder, JSON.stringify(entry)]
  const [command = '', ...args] = [...launcher, ...node]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(output)))
  return { child, ended, output: () => output }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await sleep(20)
  }
}

/** What a shelf without images may hold. */
function expectNothingUsable() {
  expect(existsSync(join(dataFolder, 'images/test/current'))).toBe(false)
  const folder = join(dataFolder, 'images/test')
  expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([])
}

describe('pullImage', () => {
  it('puts a qcow2 on the shelf as it was published, read-only and described', async () => {
    const disk = qcow2Disk(rawDisk(2 ** 21))
    const image = await pull(serve('/disk.qcow2', disk))
    expect(readFileSync(image.disk).equals(disk)).toBe(true)
    expect(statSync(image.disk).mode & 0o777).toBe(0o444)
    expect(image).toMatchObject({
      name: 'test',
      digest: digestOf(disk),
      virtualSize: 2 ** 21,
      kernel: undefined,
    })
    expect(readdirSync(join(dataFolder, 'images/.downloads/test'))).toEqual([])
    expect(readdirSync(join(dataFolder, 'images/.locks'))).toEqual([])
  })

  it.each([
    ['xz', ['xz', '-c']],
    ['zstd', ['zstd', '-qc']],
    ['gz', ['gzip', '-c']],
  ] as const)(
    'makes a qcow2 with the same content of a raw disk packed with %s',
    async (compression, [tool, flag]) => {
      const raw = rawDisk()
      const entry = serve('/disk', execFileSync(tool, [flag], { input: raw, maxBuffer: 2 ** 24 }))
      const image = await pull({ ...entry, compression, format: 'raw' })
      const back = join(dataFolder, 'back')
      qemuImg('convert', '-f', 'qcow2', '-O', 'raw', image.disk, back)
      expect(readFileSync(back).equals(raw)).toBe(true)
      expect(image.digest).toBe(digestOf(readFileSync(image.disk)))
    },
  )

  it('holds the file against the checksum that its publisher lists', async () => {
    const disk = qcow2Disk()
    serve('/x/disk.qcow2', disk)
    const sums = `${hexOf(disk, 'sha512')}  disk.qcow2\n${'0'.repeat(128)}  other.qcow2\n`
    server.files.set('/x/SHA512SUMS', { body: Buffer.from(sums) })
    const checksum = { url: `${server.url}/x/SHA512SUMS`, algorithm: 'sha512' } as const
    const image = await pull(testEntry({ url: `${server.url}/x/disk.qcow2`, checksum }))
    expect(image.digest).toBe(digestOf(disk))
  })

  it('says so when the checksum file does not name the disk', async () => {
    server.files.set('/SUMS', { body: Buffer.from(`${'0'.repeat(64)}  other.qcow2\n`) })
    const checksum = { url: `${server.url}/SUMS`, algorithm: 'sha256' } as const
    await expect(pull(testEntry({ url: `${server.url}/disk.qcow2`, checksum }))).rejects.toMatchObject({
      class: 'image',
      message: expect.stringMatching(/expected one sha256 line for disk.qcow2 in .*SUMS/),
    })
  })

  it('refuses a file with another checksum, names both and keeps nothing', async () => {
    const disk = qcow2Disk()
    const expected = `sha256:${'0'.repeat(64)}`
    const entry = { ...serve('/disk', disk), digest: expected }
    await expect(pull(entry)).rejects.toMatchObject({
      class: 'image',
      message: expect.stringMatching(new RegExp(`${expected}.*${digestOf(disk)}`)),
    })
    expectNothingUsable()
    expect(readdirSync(join(dataFolder, 'images/.downloads/test'))).toEqual([])
  })

  it('refuses a disk with a backing file although its checksum is right', async () => {
    const file = join(dataFolder, 'hostile')
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', file, '1M')
    await expect(pull(serve('/disk', readFileSync(file)))).rejects.toMatchObject({
      class: 'image',
      message: expect.stringContaining('a backing file'),
    })
    expectNothingUsable()
    expect(readdirSync(join(dataFolder, 'images/.downloads/test'))).toEqual([])
  })

  it('leaves the network alone when the image is there, and asks for a newer one when told', async () => {
    const first = qcow2Disk()
    serve('/disk', first)
    server.files.set('/SUMS', { body: Buffer.from(`${hexOf(first)}  disk\n`) })
    const checksum = { url: `${server.url}/SUMS`, algorithm: 'sha256' } as const
    const entry = testEntry({ url: `${server.url}/disk`, checksum })
    await pull(entry)
    const before = server.requests.length
    await pull(entry)
    expect(server.requests).toHaveLength(before)
    await pull(entry, { when: 'newer' })
    expect(server.requests.slice(before).map(({ path }) => path)).toEqual(['/SUMS'])
    const second = qcow2Disk()
    serve('/disk', second)
    server.files.set('/SUMS', { body: Buffer.from(`${hexOf(second)}  disk\n`) })
    expect((await pull(entry, { when: 'newer' })).digest).toBe(digestOf(second))
  })

  it('does the work once when one process asks for it three times at once', async () => {
    const entry = serve('/disk', qcow2Disk())
    const images = await Promise.all([pull(entry), pull(entry), pull(entry)])
    expect(new Set(images.map(({ digest }) => digest)).size).toBe(1)
    expect(server.requests).toHaveLength(1)
  })

  it('does the work once when two processes ask for it at once, and the second says that it waits', async () => {
    const entry = serve('/disk', qcow2Disk())
    const file = server.files.get('/disk')
    server.files.set('/disk', { body: file?.body ?? Buffer.alloc(0), etag: '"1"', stallAfter: 1000 })
    const first = spawnPull(entry)
    await until(() => server.requests.length > 0)
    const progress: ImageProgress[] = []
    const second = pull(entry, { onProgress: (event) => progress.push(event) })
    await until(() => progress.length > 0)
    expect(progress).toEqual([{ phase: 'waiting', pid: first.child.pid }])
    server.files.set('/disk', { body: file?.body ?? Buffer.alloc(0), etag: '"1"' })
    first.child.kill('SIGKILL')
    await second
    expect(server.requests.map(({ path }) => path)).toEqual(['/disk', '/disk'])
  })

  it('lets the second of two processes find what the first one brought', async () => {
    const entry = serve('/disk', qcow2Disk())
    const [first, second] = [spawnPull(entry), spawnPull(entry)]
    const outputs = await Promise.all([first.ended, second.ended])
    expect(outputs.map((output) => output.trim().split('\n').at(-1))).toEqual([
      `done ${entry.digest}`,
      `done ${entry.digest}`,
    ])
    expect(server.requests).toHaveLength(1)
  })

  it('AC19: leaves nothing usable when its process is killed, and the next pull goes on from there', async () => {
    const disk = qcow2Disk(rawDisk(2 ** 21))
    const entry = serve('/disk', disk)
    const etag = '"1"'
    server.files.set('/disk', { body: disk, etag, stallAfter: 1_000_000 })
    const first = spawnPull(entry)
    const part = join(dataFolder, 'images/.downloads/test/source.part')
    await until(() => existsSync(part) && statSync(part).size >= 500_000)
    first.child.kill('SIGKILL')
    await first.ended
    expectNothingUsable()
    expect(existsSync(join(dataFolder, 'images/.locks/test.lock'))).toBe(true)
    server.files.set('/disk', { body: disk, etag })
    expect((await pull(entry)).digest).toBe(digestOf(disk))
    expect(server.requests.at(-1)?.range).toMatch(/^bytes=[5-9]\d{5}-|^bytes=1000000-/)
  })

  it('AC19: leaves nothing usable when it is cancelled, and rejects with the reason', async () => {
    const disk = qcow2Disk()
    const entry = serve('/disk', disk)
    server.files.set('/disk', { body: disk, etag: '"1"', stallAfter: 500_000 })
    const abort = new AbortController()
    const reason = new Error('Ctrl-C')
    const pulling = pull(entry, { signal: abort.signal })
    const failed = expect(pulling).rejects.toBe(reason)
    await until(() => server.requests.length > 0)
    await sleep(100)
    abort.abort(reason)
    await failed
    expectNothingUsable()
    expect(readdirSync(join(dataFolder, 'images/.locks'))).toEqual([])
  })

  it.each([
    ['download', 2 ** 21, { compression: 'none' }],
    ['unpacking', 900_000, { compression: 'gz', format: 'raw' }],
    ['conversion', 700_000, { compression: 'none', format: 'raw' }],
  ] as const)(
    'says that the disk is full when the %s finds no room, and frees what it took',
    async (_, size, parts) => {
      const raw = rawDisk(size)
      const body = parts.compression === 'gz' ? gzipSync(raw) : 'format' in parts ? raw : qcow2Disk(raw)
      const entry = { ...serve('/disk', body), ...parts }
      server.files.set('/disk', { body, chunked: true })
      const output = await pullOnFullDisk(entry)
      expect(output).toContain('"class":"host-disk-full"')
      expect(output).toContain('mayfly images gc')
    },
  )

  it('says that the disk is full when a limit on file size stops the download', async () => {
    const output = await spawnPull(serve('/disk', qcow2Disk(rawDisk(2 ** 21))), [
      'prlimit',
      '--fsize=1048576',
      '--',
    ]).ended
    expect(output).toContain('"class":"host-disk-full"')
    expectNothingUsable()
    expect(readdirSync(join(dataFolder, 'images/.downloads/test'))).toEqual([])
  })

  it('AC11: takes a file of this host, and names image and path where there is none', async () => {
    const path = join(dataFolder, 'mine.raw')
    const entry = testEntry({ path, format: 'raw' })
    await expect(pull(entry)).rejects.toMatchObject({
      class: 'image',
      message: `image "test": expected a file at ${path}, got nothing there`,
    })
    writeFileSync(path, rawDisk())
    const first = await pull(entry)
    expect(await pull(entry)).toEqual(first)
    writeFileSync(path, rawDisk(2 ** 21))
    expect((await pull(entry)).virtualSize).toBe(2 ** 21)
  })

  it('AC11: refuses a disk that no firmware could boot, with image and path, unless a kernel is named for it', async () => {
    const path = join(dataFolder, 'empty.qcow2')
    qemuImg('create', '-q', '-f', 'qcow2', path, '1M')
    await expect(pull(testEntry({ path }))).rejects.toMatchObject({
      class: 'image',
      message: `image "test": expected a disk that can boot from ${path}, got one without a boot sector`,
      hint: expect.stringContaining('`kernel`'),
    })
    expectNothingUsable()
    writeFileSync(join(dataFolder, 'vmlinuz'), 'kernel')
    const kernel = join(dataFolder, 'vmlinuz')
    expect((await pull(testEntry({ path, kernel, initrd: kernel }))).virtualSize).toBe(2 ** 20)
  })

  it('refuses a file of this host with a backing file as it would a downloaded one', async () => {
    const path = join(dataFolder, 'mine.qcow2')
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', path, '1M')
    await expect(pull(testEntry({ path }))).rejects.toMatchObject({ class: 'image' })
    expectNothingUsable()
  })

  it('repairs a damaged image from its source', async () => {
    const disk = qcow2Disk()
    const entry = serve('/disk', disk)
    const image = await pull(entry)
    rmSync(image.disk)
    writeFileSync(image.disk, 'short')
    expect(readFileSync((await pull(entry)).disk).equals(disk)).toBe(true)
  })

  it('keeps kernel and initrd of this host beside the disk for direct boot', async () => {
    const [kernel, initrd] = [join(dataFolder, 'vmlinuz'), join(dataFolder, 'initrd.img')]
    const entry = { ...serve('/disk', qcow2Disk()), kernel, initrd, append: 'console=ttyS0' }
    await expect(pull(entry)).rejects.toMatchObject({ message: expect.stringContaining(kernel) })
    writeFileSync(kernel, 'kernel')
    writeFileSync(initrd, 'initrd')
    const image = await pull(entry)
    expect(image.kernel?.append).toBe('console=ttyS0')
    expect(readFileSync(image.kernel?.image ?? '', 'utf8')).toBe('kernel')
    expect(readFileSync(image.kernel?.initrd ?? '', 'utf8')).toBe('initrd')
  })

  it('refuses what could not fit before it asks for the first byte', async () => {
    const entry = serve('/disk', qcow2Disk())
    const file = server.files.get('/disk')
    server.files.set('/disk', { body: file?.body ?? Buffer.alloc(0), claim: 2 ** 52 })
    await expect(pull(entry, { limits: { imageBytes: 2 ** 53, retryDelay: 5 } })).rejects.toMatchObject({
      class: 'host-disk-full',
      message: expect.stringMatching(/expected \d+ MiB free in .*, got \d+ MiB/),
    })
  })
})

/** On a real filesystem of 1 MiB where this user may mount one, else with a limit on the size of files. */
async function pullOnFullDisk(entry: CatalogueEntry): Promise<string> {
  if (spawnSync('unshare', ['-m', 'true']).status !== 0) {
    return spawnPull(entry, ['prlimit', '--fsize=600000', '--']).ended
  }
  const leftovers = `find ${dataFolder}/images -name source.part -o -name 'work-*' -o -name current -o -name disk.qcow2`
  const script = `mount -t tmpfs -o size=1m tmpfs ${dataFolder} && "$@"; test -z "$(${leftovers})" || echo LEFTOVER`
  const output = await spawnPull(entry, ['unshare', '-m', 'sh', '-c', script, 'sh']).ended
  expect(output).not.toContain('LEFTOVER')
  return output
}
