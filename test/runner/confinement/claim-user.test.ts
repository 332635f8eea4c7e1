import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { beforeEach, expect, it } from 'vitest'
import { ownIdentity, type ProcessIdentity, processIdentity } from '../../../images/process-identity.ts'
import { claimUser } from '../../../runner/confinement/claim-user.ts'
import { writeMachineRecord } from '../../../runner/machine/machine-record.ts'

const range = { uid: 300_000, gid: 400_000, count: 3 }
const { signal } = new AbortController()

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-users-'))
  return () => rm(folder, { recursive: true, force: true })
})

/** A machine's record, of a machine that lives as long as these do. */
async function aMachine(id: string, owner = ownIdentity(), qemu?: ProcessIdentity): Promise<string> {
  const record = join(folder, `${id}.json`)
  const rest = { runFolder: folder, promised: 0, cloned: false, ...(qemu === undefined ? {} : { qemu }) }
  await writeMachineRecord(record, { id, owner, ...rest })
  return record
}

const claim = (record: string) =>
  claimUser({ range, record, signal, folder: join(folder, 'users') }).then(
    (found) => found && { uid: found.uid, gid: found.gid },
  )

/** A process that has ended, as far as the kernel knows. */
async function dead(): Promise<ProcessIdentity> {
  const child = spawn('sleep', ['60'])
  const identity = processIdentity(child.pid ?? 0)
  child.kill('SIGKILL')
  await once(child, 'exit')
  if (identity === undefined) throw new Error('expected a process')
  return identity
}

it('each living machine has a user and a group of its own, and none where all are taken', async () => {
  const records = await Promise.all(['a', 'b', 'c'].map((id) => aMachine(id)))
  const claimed = await Promise.all(records.map(claim))
  expect(claimed.map((one) => one?.uid).sort()).toEqual([300_000, 300_001, 300_002])
  for (const one of claimed) expect((one?.gid ?? 0) - (one?.uid ?? 0)).toBe(100_000)
  expect(await claim(await aMachine('d'))).toBeUndefined()
})

it('processes that claim at once get different ones', async () => {
  const script = `
    import { claimUser } from ${JSON.stringify(join(process.cwd(), 'runner/confinement/claim-user.ts'))}
    const [folder, record] = process.argv.slice(-2)
    const range = { uid: 300000, gid: 400000, count: 20 }
    const found = await claimUser({ range, record, folder, signal: new AbortController().signal })
    console.log(found.uid)`
  const records = await Promise.all(['a', 'b', 'c', 'd'].map((id) => aMachine(id)))
  const args = ['--import', 'tsx', '--input-type=module', '-e', script, '--', join(folder, 'users')]
  const all = await Promise.all(records.map((record) => execa(process.execPath, [...args, record])))
  expect(new Set(all.map(({ stdout }) => stdout)).size).toBe(4)
})

it('that of a machine which is gone is free again, and that of one whose QEMU outlived its process is not', async () => {
  const gone = await dead()
  await claim(await aMachine('adopted', gone, ownIdentity()))
  const ended = await aMachine('ended', gone, gone)
  expect(await claim(ended)).toEqual({ uid: 300_001, gid: 400_001 })
  expect(await claim(await aMachine('next'))).toEqual({ uid: 300_001, gid: 400_001 })
  const released = await claimUser({
    range,
    record: await aMachine('x'),
    signal,
    folder: join(folder, 'users'),
  })
  expect(released?.uid).toBe(300_002)
  await released?.release()
  expect(await claim(await aMachine('y'))).toEqual({ uid: 300_002, gid: 400_002 })
})
