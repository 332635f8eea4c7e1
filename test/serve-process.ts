import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../images/package-root.ts'

export type ServeProcess = {
  /** Where it listens, on loopback. */
  readonly url: string
  readonly pid: number
  /** Tells it to end and waits until it has. */
  stop(): Promise<void>
}

type Order = {
  /** An empty folder of the caller's: data folder, host file and key file come to lie in it. */
  readonly folder: string
  /** @defaultValue 'web' */
  readonly role?: 'all' | 'web' | 'worker'
  /** The file of a built `mayfly`, as users run it. @defaultValue the sources, through tsx */
  readonly main?: string
  /** Flags of Node, such as `--cpu-prof`. */
  readonly nodeFlags?: readonly string[]
}

const readyMs = 60_000
const stopMs = 30_000

/** `mayfly serve` as a process of its own, with the Redis that it brings, on a free port of loopback. */
export async function startServeProcess(order: Order): Promise<ServeProcess> {
  const { folder, role = 'web', main, nodeFlags = [] } = order
  const config = join(folder, 'mayfly.yml')
  const data = join(folder, 'data')
  await mkdir(data, { recursive: true })
  await writeFile(config, `listen: 127.0.0.1:0\nsecrets_key: ${join(folder, 'keys', 'secrets.key')}\n`)
  const child = spawn(
    process.execPath,
    [...nodeFlags, ...(main === undefined ? sources : [main]), 'serve', '--role', role, '--config', config],
    {
      cwd: packageRoot(),
      env: { ...process.env, MAYFLY_DATA: data, MAYFLY_LOG_LEVEL: 'error' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const ended = once(child, 'exit')
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    // Its Redis dies with it, by the parent-death signal.
    const late = setTimeout(() => child.kill('SIGKILL'), stopMs)
    await ended
    clearTimeout(late)
  }
  let output = ''
  const ready = new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`mayfly serve was not ready: ${output}`)), readyMs)
    const look = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-10_000)
      const url = /mayfly is ready: (http\S+)/.exec(output)?.[1]
      if (url === undefined) return
      clearTimeout(late)
      resolve(url)
    }
    child.stdout.on('data', look)
    child.stderr.on('data', look)
    child.once('exit', () => {
      clearTimeout(late)
      reject(new Error(`mayfly serve ended: ${output}`))
    })
  })
  try {
    return { url: await ready, pid: child.pid ?? 0, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const sources = ['--import', 'tsx', join(packageRoot(), 'orchestrator', 'command', 'main.ts')]

/** Memory of a process in MiB, now or at its highest, by proc_pid_status(5); 0 for one that is gone. */
export function processMemory(pid: number, which: 'VmRSS' | 'VmHWM'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return Number(new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}
