import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import type { SshLogin } from '../../../runner/ssh/connect-ssh.ts'

export type HostileGuest = {
  readonly port: number
  readonly login: SshLogin
  /** What it says next, about what was done to it. */
  said(): Promise<Record<string, unknown>>
}

/** Starts a server that plays one trick, in a process of its own that ends with the test. */
export async function startHostileGuest(trick: string): Promise<HostileGuest> {
  const script = join(import.meta.dirname, 'hostile-guest-child.ts')
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', script, trick], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  if (child.stdout === null) throw new Error('expected a pipe')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const said = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`there is no trick by the name of ${trick}`)
    return JSON.parse(value)
  }
  const { port, login } = await said()
  return { port, login, said }
}
