import { expect, it } from 'vitest'
import type { Manifest } from '../../images/manifest.ts'
import { provenanceOf } from '../../images/provenance.ts'

const digest = `sha256:${'a'.repeat(64)}`
const manifest = (url: string): Manifest => ({
  ...{
    version: 1,
    name: 'test',
    digest,
    size: 5,
    virtualSize: 9,
    created: new Date(0).toISOString(),
    kernel: null,
  },
  source: { kind: 'url', url, checksum: `sha512:${'b'.repeat(128)}` },
  profile: {
    ...{
      user: 'ci',
      firmware: 'bios',
      diskBus: 'virtio',
      nic: 'e1000',
      resources: {},
      readyPattern: 'login:',
    },
    ...{ seed: 'mayfly', userData: null },
  },
})

it('names the address of an image without what opens it', () => {
  const { source } = provenanceOf(
    '/shelf',
    manifest('https://user:secret@images.invalid/d.qcow2?X-Signature=abc#x'),
  )
  expect(source).toMatchObject({ url: 'https://images.invalid/d.qcow2' })
})

it('has the place of the list of packages where there is one', () => {
  const listed: Manifest = { ...manifest('https://images.invalid/d'), packages: { digest, count: 3 } }
  expect(provenanceOf('/shelf', listed).packages).toEqual({ file: '/shelf/packages', digest, count: 3 })
  expect(provenanceOf('/shelf', manifest('https://images.invalid/d')).packages).toBeUndefined()
})
