import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export type RealQemu = {
  readonly child: ChildProcess
  /** Standard error so far. */
  readonly stderr: () => string
  /** Settles when the process is gone. */
  readonly exited: Promise<unknown>
  /** Kills it and waits until it is gone. */
  stop(): Promise<void>
}

/** Starts a real QEMU as a child of the test, to be stopped in its `finally`. */
export function startQemu(args: readonly string[]): RealQemu {
  const child = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const exited = once(child, 'close')
  return {
    child,
    stderr: () => stderr,
    exited,
    stop: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
