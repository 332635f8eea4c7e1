import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ownMachineFolders } from '../../../../orchestrator/command/run/own-machine-folders.ts'

it('finds no folders before there was a machine, and then only those of this process', async () => {
  const data = await mkdtemp(join(tmpdir(), 'mayfly-own-'))
  onTestFinished(() => rm(data, { recursive: true, force: true }))
  expect(ownMachineFolders(data)).toEqual([])
  const add = async (id: string, pid: number) => {
    const folder = join(data, 'machines', id)
    await mkdir(folder, { recursive: true })
    const record = { id, owner: { pid, startTime: 1 }, runFolder: `/run/mayfly/${id}` }
    await writeFile(join(folder, 'machine.json'), JSON.stringify(record))
    return folder
  }
  const ours = await add('ours', process.pid)
  await add('theirs', process.pid + 1)
  await mkdir(join(data, 'machines', 'half-made'))
  expect(ownMachineFolders(data)).toEqual([ours, '/run/mayfly/ours'])
})
