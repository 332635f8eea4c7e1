import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isAlive, type ProcessIdentity, processIdentity } from '../../../images/process-identity.ts'
import { monotonicMs, writeLease } from '../../../runner/keeper/lease.ts'
import { spawnKept } from '../../../runner/keeper/spawn-kept.ts'
import type { QemuProcess } from '../../../runner/qemu/spawn-qemu.ts'
import { eventually } from '../../eventually.ts'

let folder: string
const started: ProcessIdentity[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-keeper-'))
})

afterEach(async () => {
  for (const identity of started.splice(0)) if (isAlive(identity)) process.kill(identity.pid, 'SIGKILL')
  // A keeper may still be writing how its process ended.
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
})

describe('a process under a keeper', () => {
  it('ends as it ended, with what it printed', async () => {
    const kept = await keep(['sh', '-c', 'echo out; echo err >&2; sleep 0.2; exit 3'])
    expect(await kept.exited).toEqual({ code: 3, signal: undefined, stderr: 'out\nerr\n' })
    expect(await readFile(files().exit, 'utf8')).toBe('3\n')
  })

  it('is killed by name of its signal', async () => {
    const kept = await keep(['sleep', '600'])
    kept.kill('SIGKILL')
    expect(await kept.exited).toMatchObject({ code: undefined, signal: 'SIGKILL' })
  })

  it('says why it could not be started', async () => {
    const kept = await spawnKept({ ...parts(), command: ['/nowhere/qemu'] })
    // It may be found for a moment before it is gone.
    const { code, stderr } = 'pid' in kept ? await kept.exited : kept
    expect(code).toBe(127)
    expect(stderr).toContain('/nowhere/qemu')
  })

  it('dies with its keeper', async () => {
    const kept = await keep(['setpriv', '--pdeathsig', 'KILL', 'sleep', '600'])
    const stat = await readFile(`/proc/${kept.pid}/stat`, 'latin1')
    const keeper = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    // Only once it has set what it dies of.
    await eventually('a process that has begun', async () => {
      const commandLine = await readFile(`/proc/${kept.pid}/cmdline`, 'latin1')
      return commandLine.startsWith('sleep') || undefined
    })
    process.kill(keeper, 'SIGKILL')
    await ended(kept)
  })

  it('is left alone while its owner lives, whatever the lease says', async () => {
    const kept = await keep(['sleep', '600'])
    await writeLease(files().lease, { graceMs: 0, until: monotonicMs() - 60_000 })
    await looks(3)
    expect(isAlive(kept.identity)).toBe(true)
  })

  it('ends with its owner where no lease was given', async () => {
    const kept = await keep(['sleep', '600'])
    await nameOwner('0', '-')
    await ended(kept)
  })

  it('goes on without its owner for its grace, and for another owner', async () => {
    const kept = await keep(['sleep', '600'])
    await nameOwner('600', '-')
    await looks(3)
    expect(isAlive(kept.identity)).toBe(true)
    await writeLease(files().lease, { graceMs: 0, until: undefined })
    await looks(3)
    expect(isAlive(kept.identity)).toBe(true)
  })

  it('does not outlive its time, whatever its grace', async () => {
    const kept = await keep(['sleep', '600'])
    const last = Math.ceil(monotonicMs() / 1000) + 3
    await nameOwner('86400', String(last))
    await ended(kept)
    expect(monotonicMs() / 1000).toBeGreaterThanOrEqual(last - 1)
  })

  it('ends where its lease is gone', async () => {
    const kept = await keep(['sleep', '600'])
    await rm(files().lease)
    await ended(kept)
  })
})

const files = () => ({ lease: join(folder, 'lease'), exit: join(folder, 'exit') })
const parts = () => ({ logFile: join(folder, 'log'), inherited: undefined, kept: files() })

async function keep(command: readonly string[]): Promise<QemuProcess> {
  const kept = await spawnKept({ ...parts(), command })
  if (!('pid' in kept)) throw new Error(`expected a process, got ${JSON.stringify(kept)}`)
  started.push(kept.identity)
  return kept
}

/** Makes a process that is gone the owner. */
async function nameOwner(grace: string, until: string): Promise<void> {
  const child = spawn('sleep', ['600'])
  const identity = processIdentity(child.pid ?? 0)
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  const { lease } = files()
  await writeFile(`${lease}.test`, `${identity?.pid} ${identity?.startTime} ${grace} ${until}\n`)
  await rename(`${lease}.test`, lease)
}

const ended = (kept: QemuProcess) =>
  eventually('its end', async () => (isAlive(kept.identity) ? undefined : true))

/** The keeper looks once a second. */
const looks = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000))
