import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { createJobFolder } from '../../../runner/job/job-folder.ts'
import { createSmallDisk } from '../../own-mounts.ts'

let dataFolder: string
beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'mayfly-job-'))
})
afterEach(() => rm(dataFolder, { recursive: true }))

describe('createJobFolder', () => {
  it('keeps log and console as bytes and everything else as lines of the timeline', async () => {
    const folder = await createJobFolder({ dataFolder, id: 'job-1' })
    await folder.writeEvent({ at: 1, type: 'phase-started', phase: 'boot' })
    await folder.writeEvent({ at: 2, type: 'console', data: Buffer.from('boot\n') })
    await folder.writeEvent({ at: 3, type: 'log', step: 0, data: Buffer.from('step\n') })
    await folder.writeEvent({ at: 4, type: 'note', message: 'two\nlines' })
    await folder.close()
    const read = (name: string) => readFile(join(dataFolder, 'jobs/job-1', name), 'utf8')
    expect(await read('log')).toBe('step\n')
    expect(await read('console')).toBe('boot\n')
    expect(
      (await read('timeline.jsonl'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { at: 1, type: 'phase-started', phase: 'boot' },
      { at: 4, type: 'note', message: 'two\nlines' },
    ])
  })

  it('keeps the order of events that nobody waited for', async () => {
    const folder = await createJobFolder({ dataFolder, id: 'job-1' })
    for (let at = 0; at < 50; at++) void folder.writeEvent({ at, type: 'note', message: 'n' })
    await folder.close()
    const lines = (await readFile(join(folder.path, 'timeline.jsonl'), 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).at)).toEqual(Array.from({ length: 50 }, (_, at) => at))
  })

  it('replaces the record as a whole and leaves no temporary file', async () => {
    const folder = await createJobFolder({ dataFolder, id: 'job-1' })
    await Promise.all([
      folder.writeRecord({ verdict: 'failed', long: 'x'.repeat(999) }),
      folder.writeRecord({ verdict: 'passed' }),
    ])
    await folder.close()
    expect(JSON.parse(await readFile(join(folder.path, 'record.json'), 'utf8'))).toEqual({
      verdict: 'passed',
    })
    expect((await readdir(folder.path)).sort()).toEqual([
      'artifacts',
      'console',
      'console.lines',
      'console.times',
      'log',
      'log.lines',
      'log.times',
      'record.json',
      'timeline.jsonl',
    ])
  })

  it('keeps what happened while the disk was full, and says where the record found no room', async () => {
    const disk = await createSmallDisk(1)
    const folder = await createJobFolder({ dataFolder: disk, id: 'job-1' })
    const filler = join(disk, 'filler')
    await expect(writeFile(filler, Buffer.alloc(2 * 2 ** 20))).rejects.toMatchObject({ code: 'ENOSPC' })
    const message = 'x'.repeat(1000)
    for (let at = 0; at < 20; at++) await folder.writeEvent({ at, type: 'note', message })
    await expect(folder.writeRecord({ verdict: 'errored' })).rejects.toMatchObject({
      class: 'host-disk-full',
    })
    await rm(filler)
    await folder.writeRecord({ verdict: 'errored' })
    await folder.close()
    const lines = (await readFile(join(folder.path, 'timeline.jsonl'), 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).at)).toEqual(Array.from({ length: 20 }, (_, at) => at))
    expect(await readFile(join(folder.path, 'record.json'), 'utf8')).toContain('errored')
  })

  it('is readable by its owner only', async () => {
    const folder = await createJobFolder({ dataFolder, id: 'job-1' })
    await folder.close()
    expect((await stat(folder.path)).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder.path, 'log'))).mode & 0o777).toBe(0o600)
  })

  it('takes up a folder that a crash left, without the torn last line', async () => {
    const before = await createJobFolder({ dataFolder, id: 'job-1' })
    await before.writeEvent({ at: 1, type: 'note', message: 'whole' })
    await before.close()
    await appendFile(join(before.path, 'timeline.jsonl'), '{"at":2,"type":"no')
    const after = await createJobFolder({ dataFolder, id: 'job-1' })
    await after.writeEvent({ at: 3, type: 'note', message: 'next' })
    await after.close()
    const lines = (await readFile(join(after.path, 'timeline.jsonl'), 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).at)).toEqual([1, 3])
  })

  it('begins anew with nothing of an attempt that was given up but what it was asked for, and what visitors did', async () => {
    const before = await createJobFolder({ dataFolder, id: 'job-1' })
    await before.log.append(Buffer.from('old\n'), 1)
    await before.writeEvent({ at: 1, type: 'note', message: 'old' })
    await before.writeRecord({ old: true })
    await before.close()
    await writeFile(join(before.path, 'order.json'), '{}')
    await mkdir(join(before.path, 'debug'))
    await writeFile(join(before.artifacts, 'old.txt'), 'old')
    const after = await createJobFolder({ dataFolder, id: 'job-1', isNew: true })
    expect(after.log.size).toBe(0)
    await after.close()
    expect(await readFile(join(after.path, 'timeline.jsonl'), 'utf8')).toBe('')
    expect(await readdir(after.artifacts)).toEqual([])
    const left = await readdir(after.path)
    expect(left).toEqual(expect.arrayContaining(['debug', 'order.json']))
    expect(left).not.toContain('record.json')
  })

  it.each(['', '.', '..', '../x', 'a/b', '.hidden', 'a\0b', 'x'.repeat(200)])(
    'refuses the id %j',
    async (id) => {
      await expect(createJobFolder({ dataFolder, id })).rejects.toBeInstanceOf(ConfigError)
      expect(await readdir(dataFolder)).toEqual([])
    },
  )
})
