import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { connectRedis } from '../../../orchestrator/redis/connect-redis.ts'
import { startRedis } from '../real-redis.ts'

const log = pino({ level: 'silent' })
const closers: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A redis-server on a free port of the loopback. Tried again where another process was given the same one. */
async function listen(settings: readonly string[], first: readonly string[] = []): Promise<number> {
  for (;;) {
    const port = await freePort()
    const rest = settings.map((setting) => setting.replace('PORT', String(port)))
    const args = [...first, '--bind', '127.0.0.1', ...rest]
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    closers.push(async () => {
      const exited = child.exitCode === null ? once(child, 'exit') : undefined
      child.kill('SIGKILL')
      await exited
    })
    let text = ''
    for await (const chunk of child.stdout) {
      text += String(chunk)
      if (/Ready to accept connections/.test(text) || /monitor master/.test(text)) return port
    }
    if (!/in use/.test(text)) throw new Error(text)
  }
}

async function freePort(): Promise<number> {
  const probe: Server = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function connect(url: string, readyMs = 5000) {
  const redis = await connectRedis({ address: { url }, patience: 'wait', name: 'test', log, readyMs })
  closers.push(() => redis.disconnect())
  return redis
}

describe('connectRedis', () => {
  it('logs in with the password of the URL, and fails at once on a wrong one without showing it', async () => {
    const port = await listen(['--port', 'PORT', '--requirepass', 's@fe'])
    const redis = await connect(`redis://:s%40fe@127.0.0.1:${port}/2`)
    expect(await redis.client('INFO')).toMatch(/name=test db=2|name=test .* db=2/)
    const started = performance.now()
    const error = await connect(`redis://:hunter2@127.0.0.1:${port}`).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InfraError)
    expect(String(error)).toMatch(/WRONGPASS/)
    expect(String(error)).not.toContain('hunter2')
    expect(performance.now() - started).toBeLessThan(3000)
  })

  it('speaks TLS', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-tls-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const self = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ]
    execFileSync(
      'openssl',
      [
        ...self,
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    )
    const files = [
      '--tls-cert-file',
      cert,
      '--tls-key-file',
      key,
      '--tls-ca-cert-file',
      cert,
      '--tls-auth-clients',
      'no',
    ]
    const port = await listen(['--port', '0', '--tls-port', 'PORT', ...files])
    // A certificate that nobody vouches for is refused, which proves that TLS is spoken and checked.
    await expect(connect(`rediss://localhost:${port}`, 1500)).rejects.toThrow(/self[- ]signed/)
  })

  it('asks sentinels for the master', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-sentinel-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
    const master = await listen(['--port', 'PORT'])
    const config = join(folder, 'sentinel.conf')
    await writeFile(config, `dir ${folder}\nsentinel monitor main 127.0.0.1 ${master} 1\n`)
    const port = await listen(['--port', 'PORT'], [config, '--sentinel'])
    const redis = await connect(`redis+sentinel://127.0.0.1:${port}/main`)
    expect(await redis.config('GET', 'port')).toEqual(['port', String(master)])
  })

  it('says where nobody answers, and stops trying', async () => {
    const port = await freePort()
    await expect(connect(`redis://:pw@127.0.0.1:${port}`, 300)).rejects.toThrow(
      new RegExp(
        `expected Redis at redis://\\*\\*\\*@127.0.0.1:${port} to be ready, got: .*ECONNREFUSED.* for 300 ms`,
      ),
    )
  })

  it('gives a client that fails fast when Redis is away, beside one that waits for it', async () => {
    const server = await startRedis()
    closers.push(server.stop)
    const address = { socket: server.socket }
    const fast = await connectRedis({ address, patience: 'fail-fast', name: 'fast', log })
    const patient = await connectRedis({ address, patience: 'wait', name: 'patient', log })
    closers.push(() => fast.disconnect())
    closers.push(() => patient.disconnect())
    await server.kill()
    const waiting = patient.set('key', 'value')
    const started = performance.now()
    await expect(fast.set('key', 'other')).rejects.toThrow(/retries/)
    expect(performance.now() - started).toBeLessThan(6000)
    await server.restart()
    expect(await waiting).toBe('OK')
    await sleep(0)
    expect(await patient.get('key')).toBe('value')
  })
})
