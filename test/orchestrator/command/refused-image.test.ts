import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Bench, expectNothingLeft, type Run } from '../../machine/mayfly.ts'
import { createSmallDisk } from '../../own-mounts.ts'
import { createCommandBench, expectRefusal } from './command-bench.ts'

const pipeline = 'image: remote\nsteps: [ { run: make } ]\n'

/** Serves on loopback until the test is over; returns the address of a disk there. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk.qcow2`
}

async function runWithImage(bench: Bench, url: string, digest: string): Promise<Run> {
  const hostFile = join(bench.work, 'host.yml')
  await writeFile(
    hostFile,
    `images:\n  remote: { url: "${url}", digest: "sha256:${digest}", format: qcow2, user: ci }\n`,
  )
  return await bench.run(pipeline, ['--config', hostFile])
}

/** Neither an image nor a part of one. */
async function expectEmptyShelf({ data }: Bench): Promise<void> {
  const images = join(data, 'images')
  const files = existsSync(images) ? await readdir(images, { recursive: true, withFileTypes: true }) : []
  expect(files.filter((entry) => !entry.isDirectory())).toEqual([])
}

const someDigest = createHash('sha256').update('another disk').digest('hex')

describe('mayfly run on an image that cannot be had', () => {
  it('says which address gave no answer when the image is absent and there is no network', async () => {
    const bench = await createCommandBench()
    const run = await runWithImage(bench, 'http://127.0.0.1:1/disk.qcow2', someDigest)
    expectRefusal({
      run,
      code: 3,
      says: [
        'image "remote" is not on this host and cannot be downloaded',
        'http://127.0.0.1:1/disk.qcow2',
        'ECONNREFUSED',
        'mayfly images pull remote',
        'mayfly images ls',
      ],
    })
    expect(run.record).toMatchObject({ verdict: 'errored', failure: 'image' })
    await expectEmptyShelf(bench)
    await expectNothingLeft(bench)
  })

  it('says what the checksum should have been and was, and keeps nothing', async () => {
    const bench = await createCommandBench()
    const url = await serve((_, response) => response.end('not the disk that was promised'))
    const run = await runWithImage(bench, url, someDigest)
    const found = createHash('sha256').update('not the disk that was promised').digest('hex')
    expectRefusal({
      run,
      code: 3,
      says: [`image "remote": expected checksum sha256:${someDigest} for ${url}, got sha256:${found}`],
    })
    expect(run.record).toMatchObject({ verdict: 'errored', failure: 'image' })
    await expectEmptyShelf(bench)
    await expectNothingLeft(bench)
  })

  it('refuses what is no disk even where its checksum is right', async () => {
    const bench = await createCommandBench()
    const text = 'this is no qcow2 file'.repeat(100)
    const url = await serve((_, response) => response.end(text))
    const run = await runWithImage(bench, url, createHash('sha256').update(text).digest('hex'))
    expectRefusal({ run, code: 3, says: ['image "remote"', 'qcow2'] })
    await expectEmptyShelf(bench)
    await expectNothingLeft(bench)
  })

  it('refuses a download that has no room before its first byte', async () => {
    const bench = await createCommandBench({ data: await createSmallDisk(8) })
    let sent = 0
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': String(2 ** 30) })
      const write = () => {
        sent += 2 ** 16
        if (!response.destroyed) response.write(Buffer.alloc(2 ** 16), () => setImmediate(write))
      }
      write()
    })
    const run = await runWithImage(bench, url, someDigest)
    expectRefusal({
      run,
      code: 3,
      says: ['downloading image remote: expected 1024 MiB free in', 'mayfly images gc', '--data'],
    })
    expect(run.record).toMatchObject({ verdict: 'errored', failure: 'host-disk-full' })
    expect(sent).toBeLessThan(64 * 2 ** 20)
    await expectEmptyShelf(bench)
    await expectNothingLeft(bench)
  })

  it('ends a download of unknown length that fills the disk, and gives the room back', async () => {
    const bench = await createCommandBench({ data: await createSmallDisk(8) })
    const block = randomBytes(2 ** 20)
    const url = await serve((_, response) => {
      const write = () => {
        if (!response.destroyed) response.write(block, () => setImmediate(write))
      }
      write()
    })
    const run = await runWithImage(bench, url, someDigest)
    expectRefusal({ run, code: 3, says: ['downloading image remote', 'full disk', 'mayfly images gc'] })
    expect(run.record).toMatchObject({ verdict: 'errored', failure: 'host-disk-full' })
    await expectEmptyShelf(bench)
    await expectNothingLeft(bench)
  })
})
