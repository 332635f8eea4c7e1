import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { packageRoot } from '../../../images/package-root.ts'
import { type ServerProcess, serverProcess } from '../../faults/server-process.ts'

/** A computer on the LAN that takes jobs. */
export type LanHost = {
  /** Counts from 1. */
  readonly number: number
  readonly data: string
  readonly worker: ServerProcess
  /** As if its power went: everything that runs on it is gone at once. */
  powerOff(): Promise<void>
  /** Takes it off the LAN, where it goes on by itself, or puts it back. */
  link(state: 'up' | 'down'): Promise<void>
  /** Pids of all that runs on it. */
  processes(): Promise<number[]>
}

type Options = {
  readonly number: number
  /** A process in its network namespace, which is there for nothing else. */
  readonly pid: number
  readonly data: string
  /** The host file. */
  readonly config: string
  readonly logFile: string
}

export function lanHost({ number, pid, data, config, logFile }: Options): LanHost {
  const network = `/proc/${pid}/ns/net`
  const worker = serverProcess({
    name: `host ${number}`,
    prefix: ['nsenter', `--net=${network}`],
    args: [
      join(packageRoot(), 'dist', 'orchestrator', 'command', 'main.js'),
      ...['serve', '--role', 'worker', '--config', config],
    ],
    env: { ...process.env, MAYFLY_DATA: data, MAYFLY_LOG_LEVEL: 'info', NO_COLOR: '1' },
    logFile,
  })
  const processes = async () => {
    const own = await readlink(network)
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
    const networks = await Promise.all(pids.map((one) => readlink(`/proc/${one}/ns/net`).catch(() => '')))
    return pids.filter((one, index) => one !== pid && networks[index] === own)
  }
  return {
    ...{ number, data, worker, processes },
    powerOff: async () => {
      await worker.kill()
      // A keeper may start another process while the others are ended.
      for (let left = await processes(); left.length > 0; left = await processes())
        for (const one of left) endNow(one)
    },
    link: async (state) => {
      await execa('ip', ['link', 'set', `port${number}`, state])
    },
  }
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
