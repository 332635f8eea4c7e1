import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockHolder, takeLock, withFreeLock, withLock } from '../../images/lock.ts'
import { ownIdentity } from '../../images/process-identity.ts'
import { temporaryFolder } from './make-disk.ts'

let folder: string
let path: string
const signal = new AbortController().signal

beforeEach(() => {
  folder = temporaryFolder()
  path = join(folder, 'locks', 'a.lock')
})
afterEach(() => rmSync(folder, { recursive: true }))

function spawnChild(rounds: string) {
  const script = join(import.meta.dirname, 'lock-child.ts')
  return spawn(process.execPath, ['--import', 'tsx', script, path, join(folder, 'notes'), rounds])
}

describe('withLock', () => {
  it('lets one in at a time within a process', async () => {
    let inside = 0
    let most = 0
    const work = async () => {
      inside += 1
      most = Math.max(most, inside)
      await sleep(10)
      inside -= 1
    }
    await Promise.all([1, 2, 3].map(() => withLock({ path, signal }, work)))
    expect(most).toBe(1)
    expect(readdirSync(join(folder, 'locks'))).toEqual([])
  })

  it('lets one in at a time among processes that all found a dead owner first', async () => {
    mkdirSync(join(folder, 'locks'))
    writeFileSync(path, JSON.stringify({ pid: 2 ** 22 - 1, startTime: 1 }))
    const children = [spawnChild('3'), spawnChild('3'), spawnChild('3')]
    await Promise.all(children.map((child) => once(child, 'exit')))
    const notes = readFileSync(join(folder, 'notes'), 'utf8').trim().split('\n')
    expect(notes).toHaveLength(18)
    for (let at = 0; at < notes.length; at += 2) {
      expect(notes[at + 1]).toBe(notes[at]?.replace('in', 'out'))
    }
  })

  it('takes over from an owner that was killed', async () => {
    const child = spawnChild('hold')
    await once(child.stdout, 'data')
    expect(lockHolder(path)?.pid).toBe(child.pid)
    expect(await withFreeLock(path, async () => 'in')).toBeUndefined()
    const waited: number[] = []
    const taking = withLock({ path, signal, onWait: ({ pid }) => waited.push(pid) }, async () => 'in')
    await sleep(50)
    child.kill('SIGKILL')
    expect(await taking).toBe('in')
    expect(waited).toEqual([child.pid])
  })

  it('takes over from a stranger that has the pid of a dead owner', async () => {
    mkdirSync(join(folder, 'locks'))
    writeFileSync(path, JSON.stringify({ ...ownIdentity(), startTime: 1 }))
    expect(await withFreeLock(path, async () => 'in')).toBe('in')
  })

  it('takes over a file that a power cut left empty, and a dead guard beside it', async () => {
    mkdirSync(join(folder, 'locks'))
    writeFileSync(path, '')
    writeFileSync(`${path}.breaking`, JSON.stringify({ pid: 2 ** 22 - 1, startTime: 1 }))
    expect(await withLock({ path, signal }, async () => 'in')).toBe('in')
  })

  it('stops waiting with the signal', async () => {
    const abort = new AbortController()
    const reason = new Error('Ctrl-C')
    await withLock({ path, signal }, async () => {
      const waiting = withLock({ path, signal: abort.signal }, async () => 'in')
      setTimeout(() => abort.abort(reason), 30)
      await expect(waiting).rejects.toBe(reason)
    })
  })

  it('is free again after work that failed', async () => {
    const failing = withLock({ path, signal }, () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(existsSync(path)).toBe(false)
  })
})

describe('takeLock', () => {
  it('holds the lock until it is let go, for whatever goes on elsewhere', async () => {
    const release = await takeLock({ path, signal })
    expect(lockHolder(path)).toEqual(ownIdentity())
    expect(await withFreeLock(path, async () => 'in')).toBeUndefined()
    release()
    expect(await withFreeLock(path, async () => 'in')).toBe('in')
    expect(readdirSync(join(folder, 'locks'))).toEqual([])
  })

  it('waits for whoever has it, and says so once', async () => {
    const release = await takeLock({ path, signal })
    const waited: number[] = []
    let isMine = false
    const taking = takeLock({ path, signal, onWait: ({ pid }) => waited.push(pid) }).then((free) => {
      isMine = true
      return free
    })
    await sleep(250)
    expect([isMine, waited]).toEqual([false, [process.pid]])
    release()
    const releaseSecond = await taking
    releaseSecond()
    expect(existsSync(path)).toBe(false)
  })

  it("lets go once: letting go again does not take the next one's lock away", async () => {
    const release = await takeLock({ path, signal })
    release()
    release()
    const releaseNext = await takeLock({ path, signal })
    release()
    expect(lockHolder(path)).toEqual(ownIdentity())
    releaseNext()
    expect(existsSync(path)).toBe(false)
  })
})
