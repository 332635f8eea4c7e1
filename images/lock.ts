import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, ownIdentity, type ProcessIdentity, processIdentitySchema } from './process-identity.ts'

type LockOptions = {
  /** The lock file; its folder is made. */
  readonly path: string
  readonly signal: AbortSignal
  /** Called once when somebody else holds the lock. */
  readonly onWait?: ((holder: ProcessIdentity) => void) | undefined
}

/**
 * Does the work as the only one on this host, in this process and among all others. A lock whose owner died is
 * taken over, so a killed process blocks nobody. Rejects with the signal's reason while it waits.
 */
export async function withLock<T>(options: LockOptions, work: () => Promise<T>): Promise<T> {
  const release = await takeLock(options)
  try {
    return await work()
  } finally {
    release()
  }
}

/** As `withLock`, for work that ends elsewhere; gives what lets go of the lock, once. */
export async function takeLock({ path, signal, onWait }: LockOptions): Promise<() => void> {
  let told = false
  for (;;) {
    signal.throwIfAborted()
    const holder = tryLock(path)
    if (holder === undefined) {
      break
    }
    if (!told) {
      told = true
      onWait?.(holder)
    }
    await sleep(100, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
  let isMine = true
  return () => {
    if (isMine) rmSync(path, { force: true })
    isMine = false
  }
}

/** As `withLock`, but undefined at once where somebody else holds it. */
export async function withFreeLock<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
  if (tryLock(path) !== undefined) {
    return undefined
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

/** Who holds the lock and is alive. */
export function lockHolder(path: string): ProcessIdentity | undefined {
  const holder = readHolder(path)
  return holder !== undefined && isAlive(holder) ? holder : undefined
}

/** Takes the lock and returns undefined, or returns who has it. */
function tryLock(path: string): ProcessIdentity | undefined {
  mkdirSync(dirname(path), { recursive: true })
  for (;;) {
    if (linkOwner(path)) {
      return undefined
    }
    const holder = lockHolder(path)
    if (holder !== undefined) {
      return holder
    }
    breakDeadLock(path)
  }
}

/** A hard link either makes the file with its owner in it or fails: no moment without an owner. */
function linkOwner(path: string): boolean {
  const mine = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
  writeFileSync(mine, JSON.stringify(ownIdentity()))
  try {
    linkSync(mine, path)
    return true
  } catch (error) {
    if (isExisting(error)) {
      return false
    }
    throw error
  } finally {
    rmSync(mine, { force: true })
  }
}

/**
 * Between seeing a dead owner and removing the file, another process may have done the same and locked anew: so
 * only one at a time may look again and remove, under a lock of its own that is held for these few calls.
 */
function breakDeadLock(path: string): void {
  const guard = `${path}.breaking`
  if (linkOwner(guard)) {
    try {
      if (lockHolder(path) === undefined) {
        rmSync(path, { force: true })
      }
    } finally {
      rmSync(guard, { force: true })
    }
  } else if (lockHolder(guard) === undefined) {
    rmSync(guard, { force: true })
  }
}

function readHolder(path: string): ProcessIdentity | undefined {
  try {
    return processIdentitySchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data
  } catch {
    return undefined
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}
