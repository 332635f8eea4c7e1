import { z } from 'zod'
import { choice, meaningsOf } from '../schema/choice.ts'
import { mapping } from '../schema/mapping.ts'
import { resources } from '../schema/resources-schema.ts'
import { formed, line, text } from '../schema/text.ts'
import { userData } from '../schema/user-data.ts'
import { path } from './path-schema.ts'

const url = () =>
  z
    .url({ protocol: /^https?$/, error: 'expected a URL that starts with https:// or http://' })
    .meta({ title: 'URL' })

const checksum = mapping({
  url: url().meta({
    description: 'The file of checksums that is published beside the image, such as SHA512SUMS.',
  }),
  algorithm: choice({ sha256: '', sha512: '' }).meta({ description: 'What the file holds.' }),
}).meta({ id: 'checksum', description: 'Where the publisher says what the file must be.' })

const firmwares = { bios: 'SeaBIOS', uefi: 'OVMF' }
const seeds = {
  'cloud-init': 'a stock image, whose cloud-init reads it',
  mayfly: 'an image built by Mayfly, whose own unit reads it before SSH starts',
}

/** One entry of `images` in the host file. */
export const imageEntry = mapping({
  url: url()
    .optional()
    .meta({ description: 'Where the disk is published. Needs `checksum` or `digest` beside it.' }),
  path: path().optional().meta({ description: 'A disk on this host, instead of `url`.' }),
  checksum: checksum.optional().meta({ description: "The publisher's file of checksums." }),
  digest: formed(/^sha256:[0-9a-f]{64}$/, 'a digest of "sha256:" and 64 lower-case hexadecimal digits')
    .optional()
    .meta({ description: 'Digest of the file as published, before it is unpacked.' }),
  format: choice({ qcow2: '', raw: '' })
    .optional()
    .meta({ description: 'Format of the disk, once unpacked.' }),
  compression: choice({ none: '', xz: '', zstd: '', gz: '' })
    .optional()
    .meta({ description: 'How the published file is compressed.' }),
  user: formed(/^[a-z_][a-z0-9_-]{0,31}$/, 'a login name')
    .optional()
    .meta({ description: 'Login user; gets the key of the job, and sudo without a password.' }),
  firmware: choice(firmwares)
    .optional()
    .meta({ description: `What starts the machine. ${meaningsOf(firmwares)}.` }),
  disk_bus: choice({ virtio: '', scsi: '', ide: '' })
    .optional()
    .meta({ description: 'How the root disk is attached.' }),
  nic: choice({ virtio: '', e1000: '' }).optional().meta({ description: 'Model of the network card.' }),
  resources: resources.optional().meta({ description: 'What the machine has where the job does not say.' }),
  ready_pattern: line('a regular expression')
    .refine(isRegExp, { error: 'expected a regular expression' })
    .optional()
    .meta({
      description: 'Regular expression for a console line that means that the guest is about to serve.',
    }),
  seed: choice(seeds)
    .optional()
    .meta({ description: `Who reads the seed CD in the guest. ${meaningsOf(seeds)}.` }),
  user_data: userData()
    .optional()
    .meta({ description: 'User-data for machines of this image, below that of the job.' }),
  kernel: path()
    .optional()
    .meta({ description: 'Kernel for direct boot, without firmware and boot loader.' }),
  initrd: path().optional().meta({ description: 'Its initial RAM disk.' }),
  append: text('a kernel command line').optional().meta({ description: 'Its command line.' }),
})
  .superRefine((entry, context) => {
    const complain = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message })
    if (entry.url !== undefined && entry.path !== undefined)
      complain('path', 'expected "url" or "path", found both')
    if (entry.url !== undefined && entry.checksum === undefined && entry.digest === undefined) {
      complain(
        'url',
        'expected "checksum" or "digest" beside "url", found neither: a download has to be verified',
      )
    }
    const complainAlone = (key: string, other: string) =>
      complain(key, `expected "${other}" beside "${key}", found none`)
    if (entry.initrd !== undefined && entry.kernel === undefined) complainAlone('initrd', 'kernel')
    if (entry.kernel !== undefined && entry.initrd === undefined) complainAlone('kernel', 'initrd')
    if (entry.append !== undefined && entry.kernel === undefined) complainAlone('append', 'kernel')
  })
  .meta({
    id: 'image',
    description: 'An image that the catalogue does not have, or keys that override its entry.',
  })

export type RawImageEntry = z.output<typeof imageEntry>

function isRegExp(pattern: string): boolean {
  try {
    new RegExp(pattern)
    return true
  } catch {
    return false
  }
}
