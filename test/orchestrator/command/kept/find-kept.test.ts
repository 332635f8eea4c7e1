import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ownIdentity } from '../../../../images/process-identity.ts'
import { findKept } from '../../../../orchestrator/command/kept/find-kept.ts'
import { writeMachineRecord } from '../../../../runner/machine/machine-record.ts'

async function aDataFolder() {
  const data = await mkdtemp(join(tmpdir(), 'mayfly-find-kept-'))
  onTestFinished(() => rm(data, { recursive: true, force: true }))
  const addMachine = async (id: string, kept: object | undefined, owner = ownIdentity()) => {
    const [folder, runFolder] = [join(data, 'machines', id), join(data, 'run', id)]
    for (const made of [folder, runFolder]) await mkdir(made, { recursive: true })
    const record = { id, owner, runFolder, promised: 0, cloned: false }
    await writeMachineRecord(join(folder, 'machine.json'), record)
    if (kept !== undefined) await writeFile(join(runFolder, 'kept.json'), JSON.stringify(kept))
  }
  return { data, addMachine }
}

function kept(job: string) {
  const login = { folder: '/f', user: 'ci', port: 22, keyFile: '/f/k', knownHostsFile: '/f/h' }
  return { job, greeting: 'it failed', login }
}

it('finds the machine that is kept for a job among those that run', async () => {
  const { data, addMachine } = await aDataFolder()
  expect(await findKept(data, 'local-1-a')).toBe(undefined)
  await addMachine('runs', undefined)
  await addMachine('broken', { job: 'local-1-a' })
  await addMachine('b', kept('local-1-b'))
  await addMachine('a', kept('local-1-a'))
  expect(await findKept(data, 'local-1-a')).toEqual(kept('local-1-a'))
  expect(await findKept(data, 'local-1-c')).toBe(undefined)
})

it('finds none of a run that was killed', async () => {
  const { data, addMachine } = await aDataFolder()
  await addMachine('a', kept('local-1-a'), { pid: process.pid, startTime: 1 })
  expect(await findKept(data, 'local-1-a')).toBe(undefined)
})
