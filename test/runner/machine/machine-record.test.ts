import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readMachineRecord, writeMachineRecord } from '../../../runner/machine/machine-record.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-record-'))
  file = join(folder, 'machine.json')
})
afterEach(() => rm(folder, { recursive: true }))

const record = {
  id: 'm1',
  owner: { pid: 7, startTime: 99 },
  runFolder: '/run/mayfly/m1',
  promised: 2 ** 31,
  cloned: true,
}

describe('the record of a machine', () => {
  it('is read as it was written, by its owner only', async () => {
    await writeMachineRecord(file, { ...record, qemu: { pid: 8, startTime: 100 } })
    expect(await readMachineRecord(file)).toEqual({ ...record, qemu: { pid: 8, startTime: 100 } })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['machine.json'])
  })

  it('of an earlier Mayfly, which promised nothing, is read too: its machine has to be found', async () => {
    const { id, owner, runFolder } = record
    await writeFile(file, JSON.stringify({ id, owner, runFolder }))
    expect(await readMachineRecord(file)).toEqual({ id, owner, runFolder, promised: 0, cloned: false })
  })

  it('is never seen half, also while it is written anew', async () => {
    await writeMachineRecord(file, record)
    let writing = true
    const writes = (async () => {
      for (let pid = 1; pid <= 30; pid++)
        await writeMachineRecord(file, { ...record, qemu: { pid, startTime: 1 } })
      writing = false
    })()
    while (writing) expect((await readMachineRecord(file))?.id).toBe('m1')
    await writes
  })

  it.each(['', '{', '[]', '{"id":"m1"}', '{"id":"m1","owner":{"pid":1.5,"startTime":0},"runFolder":"/x"}'])(
    'is none where the file says %j',
    async (content) => {
      await writeFile(file, content)
      expect(await readMachineRecord(file)).toBeUndefined()
    },
  )

  it('is none where there is no file', async () => {
    expect(await readMachineRecord(file)).toBeUndefined()
  })
})
