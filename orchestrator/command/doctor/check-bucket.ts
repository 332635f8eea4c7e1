import { hostname } from 'node:os'
import { ConfigError, InfraError } from '../../../config/errors.ts'
import type { HostBucket } from '../../../config/host/host-config.ts'
import { timeLimit } from '../../../runner/time-limit.ts'
import type { ObjectStore } from '../../archive/s3/object-store.ts'
import type { Finding } from './finding.ts'

type CheckBucket = {
  readonly bucket: HostBucket
  /** @defaultValue the clock of this host */
  readonly now?: () => number
}

const name = 'archive bucket'
const patienceMs = 10_000
/** Signatures hold for a quarter of an hour. */
const mostSkewMs = 60_000

/** Whether the bucket of the archive can be listed, written to, read and cleared, and what its clock says. */
export async function checkBucket({ bucket, now = Date.now }: CheckBucket): Promise<Finding> {
  // The client's libraries would cost whoever has no bucket their time.
  const { createS3Store } = await import('../../archive/s3/s3-store.ts')
  const store = createS3Store(bucket)
  const skew = await measureSkew(bucket, now)
  try {
    await store.check()
    await writeAndRead(store)
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof InfraError)) throw error
    // Jobs run also while the storage is away; a server does not start with a wrong key.
    const state = error instanceof ConfigError ? 'missing' : 'weak'
    return { name, state, found: `${error.message}${skewInWords(skew)}`, mend: error.hint }
  } finally {
    store.close()
  }
  const sealed = bucket.encryption === undefined ? '' : `, ${bucket.encryption} accepted`
  const found = `s3://${bucket.name} listed, written, read and cleared${sealed}${skewInWords(skew)}`
  if (skew === undefined || Math.abs(skew) <= mostSkewMs)
    return { name, state: 'good', found, mend: undefined }
  return { name, state: 'weak', found, mend: 'timedatectl set-ntp true' }
}

async function writeAndRead(store: ObjectStore): Promise<void> {
  const key = `doctor/${hostname()}-${process.pid}`
  const body = `written by mayfly doctor on ${hostname()}`
  await store.put(key, body)
  const read = await store.get(key)
  await store.remove(key)
  if (read?.toString() !== body)
    throw new InfraError('host-lost', `expected to read what was written, got ${read?.length ?? 'no'} bytes`)
}

/** ms that the storage's clock is ahead of ours, by the date of whatever it answers; undefined where it does not. */
async function measureSkew({ endpoint, region }: HostBucket, now: () => number): Promise<number | undefined> {
  const limit = timeLimit(new AbortController().signal, patienceMs, `no answer for ${patienceMs} ms`)
  try {
    const before = now()
    const { headers } = await fetch(endpoint ?? `https://s3.${region}.amazonaws.com`, {
      method: 'HEAD',
      redirect: 'manual',
      signal: limit.signal,
    })
    const told = Date.parse(headers.get('date') ?? '')
    return Number.isNaN(told) ? undefined : told - (before + now()) / 2
  } catch {
    return undefined
  } finally {
    limit.clear()
  }
}

function skewInWords(skew: number | undefined): string {
  if (skew === undefined || Math.abs(skew) <= mostSkewMs) return ''
  const seconds = Math.round(Math.abs(skew) / 1000)
  return `; its clock is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} that of this host`
}
