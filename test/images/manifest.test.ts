import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Manifest, readManifest, writeManifest } from '../../images/manifest.ts'
import { temporaryFolder } from './make-disk.ts'

const digest = `sha256:${'a'.repeat(64)}`
const manifest: Manifest = {
  version: 1,
  name: 'test',
  digest,
  size: 5,
  virtualSize: 2 ** 40,
  created: new Date(0).toISOString(),
  source: { kind: 'url', url: 'https://a/b', checksum: `sha512:${'b'.repeat(128)}` },
  kernel: { imageDigest: digest, initrdDigest: digest, append: 'console=ttyS0' },
  profile: {
    user: 'ci',
    firmware: 'bios',
    diskBus: 'virtio',
    nic: 'e1000',
    resources: { memory: 2 ** 32 },
    readyPattern: 'login:',
    seed: 'mayfly',
    userData: null,
  },
}

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => rmSync(folder, { recursive: true }))

it('reads back what it wrote, and leaves no temporary file', async () => {
  await writeManifest(folder, manifest)
  expect(await readManifest(folder)).toEqual(manifest)
  expect(readdirSync(folder)).toEqual(['manifest.json'])
})

it('takes what is missing, cut off, of another version or with a digest of another kind for no manifest', async () => {
  expect(await readManifest(folder)).toBeUndefined()
  const text = JSON.stringify(manifest)
  const broken = [
    text.slice(0, 100),
    text.replace('"version":1', '"version":2'),
    text.replaceAll('sha256:', 'md5:'),
    '',
  ]
  for (const content of broken) {
    writeFileSync(join(folder, 'manifest.json'), content)
    expect(await readManifest(folder)).toBeUndefined()
  }
})
