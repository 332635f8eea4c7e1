import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decompress } from '../../../images/pull/decompress.ts'
import { defaultLimits } from '../../../images/pull/limits.ts'
import { rawDisk, temporaryFolder } from '../make-disk.ts'

const tools = { xz: ['xz', '-c'], zstd: ['zstd', '-qc', '--long=31'], gz: ['gzip', '-c'] } as const
const compressions = ['xz', 'zstd', 'gz'] as const

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => rmSync(folder, { recursive: true }))

function pack(compression: keyof typeof tools, content: Buffer): string {
  const [tool, ...args] = tools[compression]
  const source = join(folder, `source.${compression}`)
  writeFileSync(
    source,
    execFileSync(tool, args, { input: content, maxBuffer: 2 ** 26, stdio: ['pipe', 'pipe', 'ignore'] }),
  )
  return source
}

function start(compression: keyof typeof tools, source: string, limits = {}) {
  return decompress({
    name: 'test',
    source,
    target: join(folder, 'target'),
    compression,
    limits: { ...defaultLimits, ...limits },
    signal: new AbortController().signal,
    onProgress: () => {},
  })
}

describe('decompress', () => {
  it.each(compressions)('unpacks what the real tool packed with %s', async (compression) => {
    const content = rawDisk(1_000_000)
    await start(compression, pack(compression, content))
    expect(readFileSync(join(folder, 'target')).equals(content)).toBe(true)
  })

  it.each(compressions)('stops a %s bomb at the limit', async (compression) => {
    const source = pack(compression, Buffer.alloc(2 ** 25))
    expect(statSync(source).size).toBeLessThan(100_000)
    await expect(start(compression, source, { imageBytes: 2 ** 20 })).rejects.toMatchObject({
      class: 'image',
      message: expect.stringContaining('an unpacked disk of at most 1048576 bytes'),
    })
    expect(statSync(join(folder, 'target')).size).toBeLessThanOrEqual(2 ** 20)
  })

  it.each(compressions)('refuses %s data that is cut off', async (compression) => {
    const source = pack(compression, rawDisk(500_000))
    writeFileSync(source, readFileSync(source).subarray(0, 300_000))
    await expect(start(compression, source)).rejects.toMatchObject({
      class: 'image',
      message: expect.stringContaining(`expected ${compression} data`),
    })
  })

  it.each(compressions)('refuses what is not %s at all', async (compression) => {
    const source = join(folder, 'plain')
    writeFileSync(source, 'hello, this is no archive')
    await expect(start(compression, source)).rejects.toMatchObject({ class: 'image' })
  })

  it.each(['xz', 'zstd'] as const)('says how to install %s where it is missing', async (tool) => {
    const source = pack(tool, rawDisk(1000))
    const path = process.env.PATH
    symlinkSync('/usr/bin/prlimit', join(folder, 'prlimit'))
    process.env.PATH = folder
    try {
      await expect(start(tool, source)).rejects.toMatchObject({
        class: 'image',
        message: `expected the program ${tool} on this host, got none`,
        hint: expect.stringContaining('apt-get install'),
      })
    } finally {
      process.env.PATH = path
    }
  })

  it('ends with the signal', async () => {
    const source = pack('xz', rawDisk(100_000))
    const reason = new Error('cancelled')
    const signal = AbortSignal.abort(reason)
    const options = {
      name: 'test',
      source,
      target: join(folder, 'target'),
      limits: defaultLimits,
      onProgress: () => {},
    }
    await expect(decompress({ ...options, compression: 'xz', signal })).rejects.toBe(reason)
    await expect(decompress({ ...options, compression: 'gz', signal })).rejects.toBe(reason)
  })
})
