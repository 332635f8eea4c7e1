import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAlive, ownIdentity, parseStat, processIdentity } from '../../images/process-identity.ts'

describe('processIdentity', () => {
  it('names this process, always the same', () => {
    expect(ownIdentity().pid).toBe(process.pid)
    expect(processIdentity(process.pid)).toEqual(ownIdentity())
    expect(isAlive(ownIdentity())).toBe(true)
  })

  it('knows a process as dead once it is gone, and a stranger with its pid as another', async () => {
    const child = spawn('sleep', ['60'])
    const identity = processIdentity(child.pid ?? 0)
    expect(identity).toBeDefined()
    expect(isAlive({ pid: child.pid ?? 0, startTime: (identity?.startTime ?? 0) - 1 })).toBe(false)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isAlive(identity ?? ownIdentity())).toBe(false)
  })

  it('takes one of another boot of this host for dead, though it has the pid and began at the same tick', () => {
    expect(isAlive({ ...ownIdentity(), boot: '3f1c9d0e-0000-4000-8000-000000000000' })).toBe(false)
    const { pid, startTime } = ownIdentity()
    expect(isAlive({ pid, startTime })).toBe(true)
  })

  it('takes a zombie for dead', async () => {
    // The shell becomes a sleep, which never waits for the child that the shell left it.
    const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'])
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    const identity = processIdentity(pid)
    expect(identity).toBeDefined()
    await sleep(400)
    expect(processIdentity(pid)).toBeUndefined()
    parent.kill('SIGKILL')
  })

  it('knows nothing of pids that cannot be', () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 40]) {
      expect(processIdentity(pid)).toBeUndefined()
    }
  })

  it('reads the start time whatever the command calls itself', () => {
    const rest = `S ${Array.from({ length: 18 }, (_, index) => index).join(' ')} 4711 0 0`
    fc.assert(
      fc.property(fc.string({ maxLength: 15 }), (name) => {
        expect(parseStat(7, `7 (${name}) ${rest}`)).toEqual({ pid: 7, startTime: 4711 })
      }),
    )
    expect(parseStat(7, '7 (x) S 1 2')).toBeUndefined()
  })
})
