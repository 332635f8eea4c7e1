import { appendFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { LineFile } from '../../../runner/logs/line-file.ts'
import { createSmallDisk } from '../../own-mounts.ts'

const lines = Array.from({ length: 100 }, (_, number) => `${number} ${'x'.repeat(1000)}`)
const whole = lines.map((line) => `${line}\n`).join('')
const full = { class: 'host-disk-full', message: expect.stringContaining('ENOSPC') }

let disk: string
let path: string
beforeEach(async () => {
  disk = await createSmallDisk(1)
  path = join(disk, 'lines')
})

/** Leaves no page of the disk. */
async function fillDisk(): Promise<void> {
  const filler = appendFile(join(disk, 'filler'), Buffer.alloc(2 * 2 ** 20))
  await expect(filler).rejects.toMatchObject({ code: 'ENOSPC' })
}

const freeDisk = () => rm(join(disk, 'filler'))

describe('a file of lines on a full disk', () => {
  it('has each line once and in order when there is room again', async () => {
    const file = await LineFile.open(path)
    for (const line of lines.slice(0, 3)) await file.append(line)
    await fillDisk()
    for (const line of lines.slice(3, 60)) await file.append(line)
    expect((await readFile(path)).length).toBeLessThan(5 * 1024)
    await freeDisk()
    for (const line of lines.slice(60)) await file.append(line)
    await file.close()
    expect(await readFile(path, 'utf8')).toBe(whole)
  })

  it('has whole lines only as long as it is full', async () => {
    const file = await LineFile.open(path)
    await file.append(lines[0] as string)
    await fillDisk()
    for (const line of lines.slice(1)) await file.append(line)
    const kept = await readFile(path, 'utf8')
    expect(whole.startsWith(kept)).toBe(true)
    expect(kept.endsWith('\n')).toBe(true)
    await freeDisk()
    await file.close()
    expect(await readFile(path, 'utf8')).toBe(whole)
  })

  it('says at its end that there never was room', async () => {
    const file = await LineFile.open(path)
    await fillDisk()
    for (const line of lines) await file.append(line)
    await expect(file.close()).rejects.toMatchObject(full)
  })

  it('holds no more than a mebibyte', async () => {
    const file = await LineFile.open(path)
    await fillDisk()
    const append = (mebibytes: number) => file.append('x'.repeat(mebibytes * 2 ** 20 - 1))
    await append(1)
    await expect(append(1)).rejects.toMatchObject(full)
    await file.close()
  })
})
