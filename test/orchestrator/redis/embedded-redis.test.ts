import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { isAlive } from '../../../images/process-identity.ts'
import { connectRedis } from '../../../orchestrator/redis/connect-redis.ts'
import { type EmbeddedRedis, startEmbeddedRedis } from '../../../orchestrator/redis/embedded-redis.ts'
import { redisPaths } from '../../../orchestrator/redis/filenames.ts'
import { readRedisRecord, writeRedisRecord } from '../../../orchestrator/redis/redis-record.ts'
import { removeRunFolder } from '../../../orchestrator/redis/remove-run-folder.ts'
import { spawnRedis } from '../../../orchestrator/redis/spawn-redis.ts'
import { findProgram } from '../../../runner/host/find-program.ts'
import { makeRunFolder } from '../../../runner/machine/run-folder.ts'
import { until } from '../until.ts'

const log = pino({ level: 'silent' })
const uid = process.getuid?.() ?? 0
let folder: string
let closers: (() => unknown)[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-embedded-'))
  closers = []
})

afterEach(async () => {
  for (const close of closers.reverse()) await close()
  await rm(folder, { recursive: true, force: true })
})

async function start(dataFolder = folder, env: NodeJS.ProcessEnv = process.env): Promise<EmbeddedRedis> {
  const redis = await startEmbeddedRedis({ dataFolder, env, uid, log })
  closers.push(redis.stop)
  return redis
}

async function client({ socket }: EmbeddedRedis): Promise<Redis> {
  const redis = await connectRedis({ address: { socket }, patience: 'wait', name: 'test', log })
  closers.push(() => redis.disconnect())
  return redis
}

async function record(dataFolder = folder) {
  const found = await readRedisRecord(redisPaths({ dataFolder, env: process.env, uid }).record)
  if (found === undefined) throw new Error('expected a record of the running server')
  return found
}

const paths = () => redisPaths({ dataFolder: folder, env: process.env, uid })

/** A process that supervised the Redis of the data folder until SIGKILL; gives the socket that it left. */
async function killedSupervisor(): Promise<string> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, 'embedded-child.ts'), folder],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await once(child.stdout, 'data')
  const server = await record()
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  await until('Redis to die with it', () => !isAlive(server))
  return server.socket
}

describe('startEmbeddedRedis', () => {
  it('listens on a short unix socket for its owner alone, on no TCP port, and syncs each write', async () => {
    const deep = join(folder, 'a "data" folder '.repeat(9))
    const embedded = await start(deep)
    const redis = await client(embedded)
    expect(Buffer.byteLength(embedded.socket)).toBeLessThan(107)
    expect((await stat(embedded.socket)).mode & 0o777).toBe(0o700)
    expect((await stat(join(deep, 'redis'))).mode & 0o777).toBe(0o700)
    const config = Object.fromEntries(
      await Promise.all(
        ['port', 'appendonly', 'appendfsync', 'maxmemory-policy', 'save', 'dir'].map(async (name) => [
          name,
          ((await redis.config('GET', name)) as string[])[1],
        ]),
      ),
    )
    expect(config).toEqual({
      port: '0',
      appendonly: 'yes',
      appendfsync: 'always',
      'maxmemory-policy': 'noeviction',
      save: '',
      dir: join(deep, 'redis'),
    })
  })

  it('is restarted when it is killed, with all that it had answered', async () => {
    const redis = await client(await start())
    const first = await record()
    const written: string[] = []
    for (let index = 0; index < 200; index++) {
      await redis.set(`key-${index}`, 'value')
      written.push(`key-${index}`)
      if (index === 100) process.kill(first.pid, 'SIGKILL')
    }
    expect(await redis.exists(...written)).toBe(200)
    expect((await record()).pid).not.toBe(first.pid)
  })

  it('ends cleanly, leaves no socket, and starts again on what it had', async () => {
    const embedded = await start()
    await (await client(embedded)).set('kept', 'yes')
    const server = await record()
    await Promise.all([embedded.stop(), embedded.stop()])
    expect(isAlive(server)).toBe(false)
    await expect(stat(dirname(embedded.socket))).rejects.toThrow('ENOENT')
    expect(await (await client(await start())).get('kept')).toBe('yes')
  })

  it('is shared by a second start on the same data folder, which takes it over when the first ends', async () => {
    const first = await start()
    const second = await start()
    expect(second.socket).toBe(first.socket)
    const redis = await client(second)
    await redis.set('shared', 'yes')
    const server = await record()
    await first.stop()
    expect(isAlive(server)).toBe(false)
    expect(await redis.get('shared')).toBe('yes')
    // It answers a moment before it is written down.
    await expect.poll(async () => (await record()).pid, { timeout: 60_000 }).not.toBe(server.pid)
  })

  it('dies with a supervisor that is killed, whose socket and record are then no obstacle', async () => {
    await killedSupervisor()
    const server = await record()
    expect(await (await client(await start())).get('from-child')).toBe('yes')
    expect(isAlive(server)).toBe(false)
  })

  it('removes the folder with the dead socket that a killed supervisor left, wherever its environment put it', async () => {
    const other = join(folder, 'session')
    await mkdir(other, { mode: 0o700 })
    const left = await killedSupervisor()
    // As one that ran with another XDG_RUNTIME_DIR would have left it.
    const moved = join(other, basename(dirname(left)), basename(left))
    await rename(dirname(left), dirname(moved))
    const server = await record()
    await writeRedisRecord(paths().record, { ...server, socket: moved })
    expect((await stat(moved)).isSocket()).toBe(true)
    const embedded = await start()
    await expect(stat(dirname(moved))).rejects.toThrow('ENOENT')
    expect(await (await client(embedded)).get('from-child')).toBe('yes')
    await embedded.stop()
    await expect(stat(dirname(embedded.socket))).rejects.toThrow('ENOENT')
  })

  it('leaves alone what is not surely a dead one of its own', async () => {
    const { runFolder, record: recordPath } = paths()
    await mkdir(dirname(recordPath), { recursive: true })
    const gone = { pid: 2 ** 22, startTime: 1 }
    const place = async (parent: string, name: string) => {
      const made = join(folder, parent, name)
      await mkdir(made, { recursive: true, mode: 0o700 })
      const socket = join(made, 'redis.sock')
      await writeRedisRecord(recordPath, { ...gone, socket })
      return { made, socket }
    }
    const removed = async () => {
      await removeRunFolder({ paths: paths(), uid })
    }
    const own = basename(runFolder)
    // One of another data folder, of which this one may be a copy.
    const foreign = await place('foreign', 'redis-0123456789ab')
    await writeFile(foreign.socket, '')
    await removed()
    expect((await stat(foreign.socket)).size).toBe(0)
    // One that somebody listens on, though it does not answer.
    const silent = await place('silent', own)
    const server = createServer(() => undefined)
    await new Promise<void>((resolve) => server.listen(silent.socket, resolve))
    closers.push(() => server.close())
    await removed()
    expect((await stat(silent.socket)).isSocket()).toBe(true)
    // One that holds more than the socket.
    const fuller = await place('fuller', own)
    await writeFile(join(fuller.made, 'notes.txt'), 'mine\n')
    await removed()
    expect((await stat(join(fuller.made, 'notes.txt'))).size).toBe(5)
    // One that is there no more, and a record that makes no sense.
    await rm(fuller.made, { recursive: true })
    await removed()
    await writeFile(recordPath, 'nonsense')
    await removed()
    // And what is a dead one of its own.
    const dead = await place('dead', own)
    await removed()
    await expect(stat(dead.made)).rejects.toThrow('ENOENT')
  })

  it('touches no live server of another data folder, of which this one is a copy', async () => {
    const first = await start()
    const redis = await client(first)
    await redis.set('mine', 'yes')
    const server = await record()
    const copy = join(folder, 'copy')
    await cp(join(folder, 'redis'), join(copy, 'redis'), { recursive: true })
    await rm(join(copy, 'redis', 'supervisor.lock'), { recursive: true, force: true })
    const second = await start(copy)
    expect(second.socket).not.toBe(first.socket)
    expect(await (await client(second)).get('mine')).toBe('yes')
    expect(isAlive(server)).toBe(true)
    expect(await redis.get('mine')).toBe('yes')
    expect((await stat(first.socket)).isSocket()).toBe(true)
  })

  it('does not mistake a stranger with the recorded pid for its server', async () => {
    const paths = redisPaths({ dataFolder: folder, env: process.env, uid })
    await mkdir(paths.folder, { recursive: true })
    await writeFile(paths.record, JSON.stringify({ pid: process.pid, startTime: 1, socket: paths.socket }))
    expect(await (await client(await start())).ping()).toBe('PONG')
  })

  it('ends a server that outlived its supervisor before it starts another on the same files', async () => {
    const paths = redisPaths({ dataFolder: folder, env: process.env, uid })
    await mkdir(paths.folder, { recursive: true })
    await makeRunFolder({ folder: paths.runFolder, uid })
    const left = await spawnRedis({ ...paths, program: 'redis-server', log })
    await writeRedisRecord(paths.record, { ...left.identity, socket: paths.socket })
    const redis = await client({ socket: paths.socket, stop: async () => undefined })
    await redis.set('left', 'behind')
    expect(await (await client(await start())).get('left')).toBe('behind')
    expect(isAlive(left.identity)).toBe(false)
  })

  it('says which package to install where there is neither Redis nor Valkey', async () => {
    const error = await start(folder, { PATH: '/nowhere' }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InfraError)
    expect(error).toMatchObject({ hint: expect.stringContaining('apt-get install redis-server') })
  })

  it('takes valkey-server where there is no redis-server', async () => {
    const bin = join(folder, 'bin')
    await mkdir(bin)
    await symlink((await findProgram('redis-server')) ?? '', join(bin, 'valkey-server'))
    const path = `${bin}:${await programsWithoutRedis()}`
    expect(await (await client(await start(folder, { ...process.env, PATH: path }))).ping()).toBe('PONG')
  })

  it('gives the last words of a server that can not start, and what mends it', async () => {
    await (await start()).stop()
    const manifest = join(folder, 'redis', 'appendonlydir', 'appendonly.aof.manifest')
    await writeFile(manifest, 'nonsense\n')
    await expect(start()).rejects.toMatchObject({
      message: expect.stringContaining('AOF manifest'),
      hint: expect.stringContaining('redis-check-aof'),
    })
  })
})

/** A folder on PATH for what Redis is started with, and nothing else. */
async function programsWithoutRedis(): Promise<string> {
  const tools = join(folder, 'tools')
  await mkdir(tools)
  for (const name of ['prlimit', 'setpriv']) await symlink((await findProgram(name)) ?? '', join(tools, name))
  await chmod(tools, 0o755)
  return tools
}
