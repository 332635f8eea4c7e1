import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { onTestFinished } from 'vitest'
import { type Bench, mainFile } from '../mayfly.ts'

export type Served = {
  readonly url: string
  readonly pid: number
  /** An answer of the API as JSON. */
  api(method: string, path: string, body?: object): Promise<{ status: number; body: Record<string, unknown> }>
  text(path: string): Promise<string>
  /** As a service manager does, or with Ctrl-C; its exit code. */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<number | undefined>
  /** What it has printed so far. */
  output(): string
  /** As a crash would. */
  kill(): Promise<void>
}

export type ServeOptions = {
  /** What runs it, such as `setpriv` with its options. @defaultValue nothing */
  readonly prefix?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A folder of Mayfly's sources that it runs from. @defaultValue what is built of this one */
  readonly sources?: string
  /** More lines of its host file. */
  readonly host?: string
}

/** Starts `mayfly serve` on a bench's data folder and a free port, as a service would, and ends it with the test. */
export async function startServed(bench: Bench, options: ServeOptions = {}): Promise<Served> {
  const config = join(bench.data, '..', 'mayfly.yml')
  const key = join(bench.data, '..', 'secrets.key')
  await writeFile(config, `listen: 127.0.0.1:0\nsecrets_key: ${key}\n${options.host ?? ''}`)
  const { sources, prefix = [] } = options
  const main =
    sources === undefined ? [mainFile] : ['--import', 'tsx', join(sources, 'orchestrator/command/main.ts')]
  const [program = '', ...args] = [...prefix, process.execPath, ...main]
  const child = execa(program, [...args, 'serve', '--config', config], {
    env: { MAYFLY_DATA: bench.data, MAYFLY_LOG_LEVEL: 'warn', ...options.env },
    ...(sources === undefined ? {} : { cwd: sources }),
    stdin: 'ignore',
    reject: false,
    buffer: false,
    // Parking what is kept takes a while.
    forceKillAfterDelay: 120_000,
  })
  let output = ''
  const ready = new Promise<string>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      output += chunk.toString()
      const url = /mayfly is ready: (http\S+)/.exec(output)?.[1]
      if (url !== undefined) resolve(url)
    }
    child.stdout?.on('data', look)
    child.stderr?.on('data', look)
    child.then(() => reject(new Error(`mayfly serve ended: ${output}`))).catch(reject)
  })
  const stop = async (signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM') => {
    child.kill(signal)
    return (await child).exitCode
  }
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) await stop('SIGINT')
  })
  const url = await ready
  const request = (method: string, path: string, body?: object) =>
    fetch(`${url}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
  return {
    url,
    pid: child.pid ?? 0,
    stop,
    output: () => output,
    kill: async () => {
      child.kill('SIGKILL')
      await child
    },
    api: async (method, path, body) => {
      const response = await request(method, `/api/v1${path}`, body)
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    },
    text: async (path) => await (await request('GET', path)).text(),
  }
}
