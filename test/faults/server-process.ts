import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export type ServerProcess = {
  readonly name: string
  readonly pid: number | undefined
  isUp(): boolean
  start(): Promise<void>
  /** As a crash would. */
  kill(): Promise<void>
  /** As an operator would; its exit code. */
  stop(): Promise<number | null>
}

type Options = {
  readonly name: string
  /** What Node.js is run by, such as `nsenter` with its options. @defaultValue nothing */
  readonly prefix?: readonly string[]
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** What it prints is added there. */
  readonly logFile: string
}

const readyMs = 120_000

/** One `mayfly serve`, which can be killed and started again. */
export function serverProcess({ name, prefix = [], args, env, logFile }: Options): ServerProcess {
  let child: ChildProcess | undefined
  const log = createWriteStream(logFile, { flags: 'a' })
  const isUp = () => child !== undefined && child.exitCode === null && child.signalCode === null
  const end = async (signal: NodeJS.Signals) => {
    if (child === undefined || !isUp()) return null
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
    return child.exitCode
  }
  return {
    name,
    get pid() {
      return isUp() ? child?.pid : undefined
    },
    isUp,
    async start() {
      const started = spawn('setpriv', ['--pdeathsig', 'KILL', ...prefix, process.execPath, ...args], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child = started
      let output = ''
      const look = (chunk: Buffer) => {
        log.write(chunk)
        output = (output + chunk.toString()).slice(-20_000)
      }
      started.stdout.on('data', look)
      started.stderr.on('data', look)
      const end = Date.now() + readyMs
      while (!/mayfly (?:worker )?is ready/.test(output)) {
        // Killed while it starts, or by a fault that it could not survive: that is for the caller to see.
        if (!isUp()) return
        if (Date.now() > end) throw new Error(`${name} was not ready within ${readyMs / 1000} s: ${output}`)
        await sleep(50)
      }
    },
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  }
}
