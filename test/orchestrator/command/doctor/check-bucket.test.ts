import { describe, expect, it } from 'vitest'
import { createS3Store } from '../../../../orchestrator/archive/s3/s3-store.ts'
import { checkBucket } from '../../../../orchestrator/command/doctor/check-bucket.ts'
import { aBucket, useS3Server, withKey } from '../../archive/s3/start-s3-server.ts'

const s3 = useS3Server()

describe('what doctor says of the bucket of the archive', () => {
  it('is good where it can be used, and nothing is left in it', async () => {
    const { name } = s3.bucket
    expect(await checkBucket({ bucket: s3.bucket })).toEqual({
      ...{ name: 'archive bucket', state: 'good', mend: undefined },
      found: `s3://${name} listed, written, read and cleared`,
    })
    const left: string[] = []
    for await (const { key } of createS3Store(s3.bucket).list('')) left.push(key)
    expect(left).toEqual([])
  })

  it('says that the encryption asked for is accepted, or is not known', async () => {
    const sealed = await checkBucket({ bucket: { ...s3.bucket, encryption: 'AES256' } })
    expect(sealed).toMatchObject({ state: 'good', found: expect.stringContaining('AES256 accepted') })
    const { state, mend } = await checkBucket({ bucket: { ...s3.bucket, encryption: 'aws:kms' } })
    expect({ state, mend }).toEqual({
      state: 'missing',
      mend: expect.stringContaining('s3.encryption'),
    })
  })

  it('names what is wrong with bucket and key, and what mends it', async () => {
    const absent = await checkBucket({ bucket: { ...s3.bucket, name: 'there-is-none' } })
    expect(absent).toMatchObject({ state: 'missing', mend: expect.stringContaining('Make the bucket first') })
    withKey({ accessKeyId: 'test:mayfly', secretAccessKey: 'another' })
    const refused = await checkBucket({ bucket: s3.bucket })
    expect(refused).toMatchObject({ state: 'missing', mend: expect.stringContaining('s3.credentials') })
  })

  it('is a loss, and keeps no job from running, where the storage is away', async () => {
    const bucket = aBucket({ endpoint: 'http://127.0.0.1:1' })
    expect(await checkBucket({ bucket })).toMatchObject({
      ...{ state: 'weak', found: expect.stringContaining('http://127.0.0.1:1') },
      mend: expect.stringContaining('kept on this host'),
    })
  })

  it('says how far the clock of this host is off', async () => {
    const ahead = await checkBucket({ bucket: s3.bucket, now: () => Date.now() + 600_000 })
    expect(ahead).toMatchObject({ state: 'weak', mend: 'timedatectl set-ntp true' })
    expect(ahead.found).toMatch(/its clock is (599|60\d) s behind that of this host$/)
  })
})
