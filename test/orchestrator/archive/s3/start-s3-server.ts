import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest'
import type { HostBucket } from '../../../../config/host/host-config.ts'

export type S3Server = {
  readonly port: number
  /** Everything that it has on its disk. */
  readonly folder: string
  /** A new bucket in it. */
  makeBucket(name?: string): Promise<HostBucket>
  stop(): Promise<void>
  start(): Promise<void>
}

export const accessKey = { accessKeyId: 'test:mayfly', secretAccessKey: 'a-secret-of-the-tests' }

type Options = {
  /** Objects of one answer to a listing. @defaultValue 40: few objects make several pages then */
  readonly page?: number
}

/** OpenStack Swift with its S3 interface, from Debian's python3-swift, on a free port of loopback. */
export async function startS3Server({ page = 40 }: Options = {}): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-s3-'))
  let running = await spawnServer({ folder, port: 0, page })
  const { port } = running
  const stop = () => end(running.child)
  const endpoint = `http://127.0.0.1:${port}`
  return {
    port,
    folder,
    makeBucket: async (name = `bucket-${Math.random().toString(36).slice(2, 10)}`) => {
      const client = new S3Client({
        endpoint,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: accessKey,
      })
      await client.send(new CreateBucketCommand({ Bucket: name }))
      client.destroy()
      return aBucket({ name, endpoint })
    },
    stop,
    start: async () => {
      running = await spawnServer({ folder, port, page })
    },
  }
}

/** Removes what a server of a whole file of tests had, after its last test. */
export async function removeS3Server(server: S3Server): Promise<void> {
  await server.stop()
  await rm(server.folder, { recursive: true, force: true, maxRetries: 3 })
}

export function aBucket(change: Partial<HostBucket>): HostBucket {
  return {
    ...{ name: 'bucket', prefix: 'some/where', endpoint: undefined, region: 'us-east-1', pathStyle: true },
    ...{ encryption: undefined, kmsKey: undefined, credentials: undefined, ...change },
  }
}

/** Sets the key in the environment as long as a test runs. */
export function withKey({ accessKeyId, secretAccessKey } = accessKey): void {
  process.env.AWS_ACCESS_KEY_ID = accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = secretAccessKey
  onTestFinished(() => {
    delete process.env.AWS_ACCESS_KEY_ID
    delete process.env.AWS_SECRET_ACCESS_KEY
  })
}

type Place = { folder: string; port: number; page: number }

async function spawnServer({ folder, port, page }: Place): Promise<{ child: ChildProcess; port: number }> {
  const script = join(import.meta.dirname, 's3-server.py')
  // Debian's own Python: another one has not its packages.
  const child = spawn('/usr/bin/python3', [script, folder, String(port), String(page)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`expected the S3 server to serve, it ended with ${code}: is python3-swift installed?`)
    }),
  ])) as [Buffer]
  return { child, port: Number(said.toString()) }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** One server for all tests of a file, and a new bucket with its key for each. */
export function useS3Server(options: Options = {}): {
  readonly server: S3Server
  readonly bucket: HostBucket
} {
  let server: S3Server
  let bucket: HostBucket
  beforeAll(async () => {
    server = await startS3Server(options)
  })
  afterAll(() => removeS3Server(server))
  beforeEach(async () => {
    withKey()
    bucket = await server.makeBucket()
  })
  return {
    get server() {
      return server
    },
    get bucket() {
      return bucket
    },
  }
}
