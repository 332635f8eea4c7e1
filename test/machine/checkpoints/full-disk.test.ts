import { open, readdir, statfs, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, inject, it, vi } from 'vitest'
import { checkpointsFolder } from '../../../runner/template/filenames.ts'
import { createSmallDisk } from '../../own-mounts.ts'
import { createBench, expectNothingLeft } from '../mayfly.ts'
import { watchRun } from '../watched-run.ts'

const mebibyte = 2 ** 20

/** Has nearly all of its memory in use once, so that none of it needs room later, and waits to be told to go on. */
const job = `
resources: { memory: 512MiB }
network: none
setup: |
  sudo mount -t tmpfs -o size=320M tmpfs /mnt
  head -c 300M /dev/zero | sudo tee /mnt/zero >/dev/null
  sudo umount /mnt
  sudo touch /opt/x
  echo all is in use
  sleep 4
steps: [ { run: "ls /opt" } ]
`

describe('a disk that fills while a checkpoint is made', () => {
  it('costs the job its checkpoint, and nothing else', async () => {
    const data = await createSmallDisk(720)
    for (const name of ['images', 'templates'])
      await symlink(join(inject('sharedData'), name), join(data, name))
    const bench = await createBench({ data, withImage: false })
    const watched = await watchRun(bench, { pipeline: job })
    await watched.untilPrinted('all is in use')
    const filler = await open(join(data, 'filler'), 'w')
    await fill(data, filler, 24 * mebibyte)
    await vi.waitFor(async () => expect(await filesAtWork(data)).toContain('state'), {
      timeout: 120_000,
      interval: 2,
    })
    await fill(data, filler, 0)
    await filler.close()
    const run = await watched.ended()
    expect(run.record, run.output).toMatchObject({
      verdict: 'passed',
      machine: { strategy: 'template', checkpoint: { state: 'none' } },
    })
    expect(run.output).toContain('the setup runs once more: its machine could not be frozen: ENOSPC')
    expect(run.log).toContain('setup runs for this job alone: its machine could not be frozen')
    expect(run.log.match(/all is in use/g)).toHaveLength(2)
    expect(run.record?.steps.map(({ name, status }) => [name, status])).toEqual([
      ['setup', 'passed'],
      ['ls /opt', 'passed'],
    ])
    for (const name of ['', '.work', '.locks', '.failed'])
      expect(await namesIn(join(checkpointsFolder(data), name)), name).toEqual([])
    await expectNothingLeft(bench)
  })
})

type Filler = Awaited<ReturnType<typeof open>>

/** Takes what is free of a disk, but for so many bytes. */
async function fill(data: string, filler: Filler, leave: number): Promise<void> {
  for (;;) {
    const { bavail, bsize } = await statfs(data)
    const much = Math.min(bavail * bsize - leave, 16 * mebibyte)
    if (much <= 0) return
    await filler.write(Buffer.alloc(much))
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => !['.work', '.locks', '.failed'].includes(name))
}

async function filesAtWork(data: string): Promise<string[]> {
  const work = join(checkpointsFolder(data), '.work')
  const folders = await readdir(work).catch(() => [])
  return (await Promise.all(folders.map((name) => readdir(join(work, name)).catch(() => [])))).flat()
}
