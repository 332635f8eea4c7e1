import { expect, it } from 'vitest'
import type { ListedImage } from '../../../images/shelf/list-images.ts'
import { findAccel } from '../../../orchestrator/worker/find-accel.ts'
import { shelfImage } from '../../shelf-image.ts'

const listed = (name: string): ListedImage => ({
  ...{ name, title: name, source: 'url', present: true, digest: 'sha256:aa', size: 1, virtualSize: 1 },
  ...{ created: undefined, age: 1, users: [], problem: undefined, note: undefined },
})

/** On a host whose /dev/kvm looks usable; `kernels` are the images of its shelf that have one. */
async function look({ images, kernels }: { images: string[]; kernels: string[] }) {
  const proofs: (string | undefined)[] = []
  const found = await findAccel({
    host: { accel: 'auto', defaultImage: 'standard' },
    dataFolder: '/nowhere',
    shelf: {
      list: async () => images.map(listed),
      resolve: async (name) => {
        const kernel = { image: `/kernel-of/${name}`, initrd: '/initrd', append: '' }
        return { ...shelfImage(name), kernel: kernels.includes(name) ? kernel : undefined }
      },
    },
    choose: async ({ kernel }) => {
      proofs.push(kernel)
      return { accel: 'kvm', reason: 'it opens' }
    },
    signal: new AbortController().signal,
  })
  return { found, proofs }
}

it('KVM that only looks usable is not proven, whatever machines would be started with', async () => {
  const { found } = await look({ images: ['standard'], kernels: [] })
  expect(found).toMatchObject({ isKvmProven: false, accel: { kind: 'kvm', reason: 'it opens' } })
})

it('it is proven by the kernel of the default image, or of another where that has none or is not here', async () => {
  const standard = await look({ images: ['other', 'standard'], kernels: ['other', 'standard'] })
  expect(standard).toMatchObject({ found: { isKvmProven: true }, proofs: ['/kernel-of/standard'] })
  const other = await look({ images: ['other', 'standard'], kernels: ['other'] })
  expect(other).toMatchObject({ found: { isKvmProven: true }, proofs: ['/kernel-of/other'] })
})
