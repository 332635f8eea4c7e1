import { mkdtemp, open, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { copySparse } from '../../../runner/template/copy-sparse.ts'
import { createSmallDisk } from '../../own-mounts.ts'

const { signal } = new AbortController()
const mebibyte = 2 ** 20
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-sparse-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
})

/** A file of 64 MiB in which a few bytes stand in the middle, and nothing else is. */
async function sparseFile(): Promise<string> {
  const path = join(folder, 'ram')
  const file = await open(path, 'w', 0o444)
  await file.truncate(64 * mebibyte)
  await file.write('memory', 32 * mebibyte)
  await file.close()
  return path
}

const blocks = async (path: string) => (await stat(path)).blocks * 512

describe('copySparse', () => {
  it('copies every byte and no hole, for its caller to write to', async () => {
    const from = await sparseFile()
    const to = join(folder, 'copy')
    await copySparse(from, to, signal)
    expect((await readFile(to)).equals(await readFile(from))).toBe(true)
    expect(await blocks(to)).toBeLessThan(mebibyte)
    expect((await stat(to)).mode & 0o200).toBe(0o200)
  })

  it('says that the disk is full, as such', async () => {
    const disk = await createSmallDisk(4)
    const from = join(folder, 'full')
    await writeFile(from, Buffer.alloc(8 * mebibyte, 'x'))
    expect((await statfs(disk)).bavail).toBeGreaterThan(0)
    await expect(copySparse(from, join(disk, 'copy'), signal)).rejects.toMatchObject({
      class: 'host-disk-full',
      message: expect.stringContaining(`copying ${from}`),
    })
  })

  it('says what else is wrong', async () => {
    const from = join(folder, 'gone')
    await expect(copySparse(from, join(folder, 'copy'), signal)).rejects.toMatchObject({
      class: 'boot',
      message: expect.stringContaining('No such file or directory'),
    })
  })

  it('ends with the signal', async () => {
    const reason = new Error('cancelled')
    const copying = copySparse(await sparseFile(), join(folder, 'copy'), AbortSignal.abort(reason))
    await expect(copying).rejects.toBe(reason)
  })
})
