import { createReadStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3'
import { fromEnv } from '@aws-sdk/credential-provider-env'
import { fromIni } from '@aws-sdk/credential-provider-ini'
import { Upload } from '@aws-sdk/lib-storage'
import type { HostBucket } from '../../../config/host/host-config.ts'
import { describeError, statusOf } from './describe-error.ts'
import type { ObjectStore, StoredObject } from './object-store.ts'

const partBytes = 8 * 2 ** 20
/** Parts of one file, and objects removed, at a time. */
const atOnce = 4
const attempts = 4
/** ms without a byte after which a request is tried again */
const quietMs = 20_000
const connectMs = 5_000

/** A bucket of an S3-compatible storage. Keys of it are looked up only where the host file says, and nowhere else. */
export function createS3Store(bucket: HostBucket): ObjectStore {
  const client = new S3Client({
    region: bucket.region,
    ...(bucket.endpoint === undefined ? {} : { endpoint: bucket.endpoint }),
    forcePathStyle: bucket.pathStyle,
    credentials:
      bucket.credentials === undefined
        ? fromEnv()
        : fromIni({ filepath: bucket.credentials, configFilepath: bucket.credentials, profile: 'default' }),
    maxAttempts: attempts,
    requestHandler: { connectionTimeout: connectMs, requestTimeout: quietMs },
    // Newer checksums are trailers that other storages than Amazon's do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const at = (key: string) => ({
    Bucket: bucket.name,
    Key: bucket.prefix === '' ? key : `${bucket.prefix}/${key}`,
  })
  const own = (key: string) => (bucket.prefix === '' ? key : key.slice(bucket.prefix.length + 1))
  const encryption: Partial<PutObjectCommandInput> = {
    ...(bucket.encryption === undefined ? {} : { ServerSideEncryption: bucket.encryption }),
    ...(bucket.kmsKey === undefined ? {} : { SSEKMSKeyId: bucket.kmsKey }),
  }
  const said = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw describeError(bucket, error)
    }
  }
  const pages = async function* (start: string, delimiter?: string) {
    const { Bucket, Key: Prefix } = at(start)
    let ContinuationToken: string | undefined
    do {
      const token = ContinuationToken === undefined ? {} : { ContinuationToken }
      const input = { Bucket, Prefix, ...token, ...(delimiter === undefined ? {} : { Delimiter: delimiter }) }
      const page = await said(() => client.send(new ListObjectsV2Command(input)))
      yield page
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
  }
  const list = async function* (start: string): AsyncGenerator<StoredObject> {
    for await (const { Contents = [] } of pages(start))
      for (const { Key = '', Size = 0 } of Contents) yield { key: own(Key), bytes: Size }
  }
  const remove = async (key: string) => {
    await said(() => ifThere(() => client.send(new DeleteObjectCommand(at(key)))))
  }

  return {
    put: async (key, body, abortSignal) => {
      const input = { ...at(key), ...encryption, Body: Buffer.from(body) }
      await said(() => client.send(new PutObjectCommand(input), { ...(abortSignal && { abortSignal }) }))
    },
    putFile: (key, path) =>
      said(async () => {
        const params = { ...at(key), ...encryption, Body: createReadStream(path) }
        await new Upload({ client, params, partSize: partBytes, queueSize: atOnce }).done()
      }),
    get: async (key, span) => {
      if (span !== undefined && span.end <= span.start) return Buffer.alloc(0)
      const Range = span && { Range: `bytes=${span.start}-${span.end - 1}` }
      return await said(() =>
        ifThere(() =>
          again(async () => {
            const { Body } = await client.send(new GetObjectCommand({ ...at(key), ...Range }))
            return Body === undefined ? Buffer.alloc(0) : Buffer.from(await Body.transformToByteArray())
          }),
        ),
      )
    },
    size: (key) =>
      said(() => ifThere(async () => (await client.send(new HeadObjectCommand(at(key)))).ContentLength ?? 0)),
    list,
    folders: async function* (start) {
      for await (const { CommonPrefixes = [] } of pages(start, '/'))
        for (const { Prefix = '' } of CommonPrefixes) yield own(Prefix).slice(start.length, -1)
    },
    remove,
    removeAll: async (start) => {
      let waiting: Promise<void>[] = []
      // One by one: not all storages take a request for many without checksums of their own.
      for await (const { key } of list(start)) {
        waiting.push(remove(key))
        if (waiting.length < atOnce) continue
        await Promise.all(waiting)
        waiting = []
      }
      await Promise.all(waiting)
    },
    check: async () => {
      const { Bucket, Key: Prefix } = at('')
      await said(() => client.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 })))
    },
    close: () => client.destroy(),
  }
}

async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const { name } = error as Partial<Error>
    if (statusOf(error) === 404 && name !== 'NoSuchBucket') return undefined
    throw error
  }
}

/** The client tries requests again, but not an answer that breaks off; a range beyond the end is empty. */
async function again(read: () => Promise<Buffer>): Promise<Buffer> {
  for (let left = attempts - 1; ; left--) {
    try {
      return await read()
    } catch (error) {
      const status = statusOf(error)
      if (status === 416) return Buffer.alloc(0)
      if (status !== undefined || left === 0) throw error
      await sleep(100 * (attempts - left))
    }
  }
}
