import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from './atomic-file.ts'
import { manifestFile } from './filenames.ts'

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const bytes = z.number().int().nonnegative()

const source = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('url'),
    url: z.string(),
    /** `<algorithm>:<hex>` of the published file. */
    checksum: z.string(),
  }),
  z.object({ kind: z.literal('path'), path: z.string(), size: bytes, mtimeMs: z.number() }),
  z.object({ kind: z.literal('build'), builder: z.string(), inputs: z.string() }),
])

const profile = z.object({
  user: z.string(),
  firmware: z.enum(['bios', 'uefi']),
  diskBus: z.enum(['virtio', 'scsi', 'ide']),
  nic: z.enum(['virtio', 'e1000']),
  resources: z.object({
    cpus: z.number().exactOptional(),
    memory: z.number().exactOptional(),
    disk: z.number().exactOptional(),
  }),
  readyPattern: z.string(),
  seed: z.enum(['mayfly', 'cloud-init']),
  /** JSON has no undefined. */
  userData: z.string().nullable(),
})

const manifest = z.object({
  version: z.literal(1),
  name: z.string(),
  /** of disk.qcow2 */
  digest,
  /** bytes of disk.qcow2 */
  size: bytes,
  /** bytes as the guest sees them */
  virtualSize: bytes,
  created: z.iso.datetime(),
  source,
  /** Files for direct boot, beside the disk. */
  kernel: z.object({ imageDigest: digest, initrdDigest: digest, append: z.string() }).nullable(),
  /** Of the list of what is installed in it, beside the disk; absent where nobody wrote one. */
  packages: z.object({ digest, count: z.number().int().nonnegative() }).exactOptional(),
  /** As it was when the image came; the catalogue's word is newer. */
  profile,
})

/** What the shelf knows of one version of an image: manifest.json in its digest folder. */
export type Manifest = z.infer<typeof manifest>
export type ImageSource = Manifest['source']

/** Undefined where there is none or it is not one of ours; such a folder is damaged. */
export async function readManifest(digestFolder: string): Promise<Manifest | undefined> {
  try {
    const text = await readFile(join(digestFolder, manifestFile), 'utf8')
    return manifest.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

export async function writeManifest(digestFolder: string, content: Manifest): Promise<void> {
  await writeFileAtomic(join(digestFolder, manifestFile), `${JSON.stringify(content, null, 2)}\n`)
}
