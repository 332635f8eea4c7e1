import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

export type RealRedis = {
  /** Path of its unix socket; it has no TCP port. */
  readonly socket: string
  /** A client that reconnects, closed by `stop`. */
  connect(): Redis
  /** Kills it and leaves it dead until `restart`. */
  kill(): Promise<void>
  /** Kills it as a power cut would and starts it anew on the same files. */
  restart(): Promise<void>
  /** Has it stand still for so many milliseconds, as a host that is out of breath does. */
  freeze(ms: number): Promise<void>
  /** Ends it and removes its files. */
  stop(): Promise<void>
}

/** A real redis-server of the test's own, with fsync after each write, to be stopped in `afterAll` or `finally`. */
export async function startRedis(): Promise<RealRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-redis-'))
  const socket = join(folder, 'redis.sock')
  const clients: Redis[] = []
  let server = await spawnRedis(folder, socket)
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill('SIGKILL')
    await exited
  }
  return {
    socket,
    connect: () => {
      const client = new Redis({ path: socket, maxRetriesPerRequest: null, retryStrategy: () => 50 })
      client.on('error', () => undefined)
      clients.push(client)
      return client
    },
    kill,
    restart: async () => {
      await kill()
      server = await spawnRedis(folder, socket)
    },
    freeze: async (ms) => {
      server.kill('SIGSTOP')
      await sleep(ms)
      server.kill('SIGCONT')
    },
    stop: async () => {
      for (const client of clients) client.disconnect()
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function spawnRedis(folder: string, socket: string): Promise<ChildProcess> {
  await rm(socket, { force: true })
  const settings = [
    ['--port', '0'],
    ['--unixsocket', socket],
    ['--unixsocketperm', '700'],
    ['--dir', folder],
    ['--appendonly', 'yes'],
    ['--appendfsync', 'always'],
    ['--save', ''],
    ['--maxmemory-policy', 'noeviction'],
  ].flat()
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'redis-server', ...settings], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4096)
  })
  const late = Date.now() + 10_000
  while (!(await answers(socket))) {
    if (child.exitCode !== null || Date.now() > late) throw new Error(`redis-server did not start: ${log}`)
    await sleep(10)
  }
  return child
}

async function answers(path: string): Promise<boolean> {
  const probe = new Redis({ path, lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 })
  probe.on('error', () => undefined)
  try {
    await probe.connect()
    return (await probe.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    probe.disconnect()
  }
}
