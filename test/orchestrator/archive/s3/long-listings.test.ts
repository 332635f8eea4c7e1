import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { expect, it, onTestFinished } from 'vitest'
import { createS3Archive } from '../../../../orchestrator/archive/s3/s3-archive.ts'
import { createS3Store } from '../../../../orchestrator/archive/s3/s3-store.ts'
import { createWaitingObjects } from '../../../../orchestrator/archive/s3/waiting-objects.ts'
import { keptLog } from '../../kept-log.ts'
import { aBuild } from '../../store/records.ts'
import { accessKey, useS3Server } from './start-s3-server.ts'

/** Of S3 itself: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
const page = 1000
const count = page + 50
const atOnce = 8

const s3 = useS3Server({ page })

async function anArchive() {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-s3-long-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const store = createS3Store(s3.bucket)
  const waiting = createWaitingObjects({
    ...{ store, folder: join(folder, 'waiting'), log: keptLog().log },
    // A host that is out of breath is no bucket that is away.
    times: { patience: 60_000, every: 200 },
  })
  return { store, waiting, archive: createS3Archive({ store, waiting, folder }) }
}

/** Objects in the first answer to a listing, and whether that is not all. */
async function firstAnswer() {
  const { endpoint, name: Bucket, region } = s3.bucket
  const client = new S3Client({
    ...{ region, forcePathStyle: true, credentials: accessKey },
    ...(endpoint === undefined ? {} : { endpoint }),
  })
  const { Contents = [], IsTruncated } = await client.send(new ListObjectsV2Command({ Bucket }))
  client.destroy()
  return { objects: Contents.length, isCut: IsTruncated }
}

it('finds every build and every object of more than S3 lists in one answer', async () => {
  const { archive, waiting } = await anArchive()
  const ids = Array.from({ length: count }, (_, index) => `01b${String(index).padStart(5, '0')}`)
  for (let at = 0; at < count; at += atOnce)
    await Promise.all(ids.slice(at, at + atOnce).map((id) => archive.keep(aBuild({ id }), [])))
  expect(await waiting.count()).toBe(0)
  expect(await firstAnswer()).toEqual({ objects: page, isCut: true })
  const { archive: other, store } = await anArchive()
  expect(await other.builds()).toEqual(ids)
  const keys: string[] = []
  for await (const { key } of store.list('builds/')) keys.push(key)
  expect(keys).toEqual(ids.map((id) => `builds/${id}/record.json`))
}, 300_000)
