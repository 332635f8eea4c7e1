import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import type { TemplatePaths } from './filenames.ts'

const fingerprint = z.object({
  ino: z.number(),
  size: z.number(),
  mtimeMs: z.number(),
  ctimeMs: z.number(),
})

const schema = z.object({
  key: z.string(),
  /** Name and digest of its image. */
  image: z.object({ name: z.string(), digest: z.string(), disk: z.string() }),
  resources: z.object({ cpus: z.number(), memory: z.number(), disk: z.number() }),
  accel: z.enum(['kvm', 'tcg']),
  qemuVersion: z.string(),
  /** ISO 8601 */
  made: z.string(),
  /** milliseconds: from cold to ready, and the freezing itself */
  bootMs: z.number(),
  freezeMs: z.number(),
  /** bytes on disk */
  bytes: z.number(),
  /** The files as they were when it was done; whatever wrote to one since shows in its times. */
  files: z.object({ disk: fingerprint, ram: fingerprint, state: fingerprint }),
  stateDigest: z.string(),
  /** Of a checkpoint: what went into it beside a template, and who made it. */
  checkpoint: z
    .object({
      /** Digest of all that its result depends on, whoever asks. */
      inputs: z.string(),
      /** Whose builds may read it. */
      scope: z.string(),
      /** Ids of the build and the job whose setup it is. */
      build: z.string(),
      job: z.string(),
      /** milliseconds that the setup took */
      setupMs: z.number(),
    })
    .optional(),
})

/** What is known of a template; written last, so that a folder with one is whole. */
export type TemplateManifest = z.infer<typeof schema>

type Fingerprint = z.infer<typeof fingerprint>

export async function fingerprintOf(path: string): Promise<Fingerprint> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(path)
  return { ino, size, mtimeMs, ctimeMs }
}

export async function digestOf(path: string): Promise<string> {
  return `sha256:${createHash('sha256')
    .update(await readFile(path))
    .digest('hex')}`
}

export async function writeManifest(path: string, manifest: TemplateManifest): Promise<void> {
  await writeFileAtomic(path, JSON.stringify(manifest, null, 2), 0o600)
}

/** Undefined where there is none, or one that another version of Mayfly wrote. */
export async function readManifest(path: string): Promise<TemplateManifest | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

/** What is wrong with a template's files, in words; undefined where nothing is. */
export async function findFault(
  paths: TemplatePaths,
  manifest: TemplateManifest,
): Promise<string | undefined> {
  for (const name of ['disk', 'ram', 'state'] as const) {
    const found = await fingerprintOf(paths[name]).catch(() => undefined)
    if (found === undefined) return `its ${name} is gone`
    const made = manifest.files[name]
    if (JSON.stringify(found) !== JSON.stringify(made)) return `its ${name} is not as it was made`
  }
  const image = await stat(manifest.image.disk).catch(() => undefined)
  if (image === undefined) return 'its image is gone'
  if ((await digestOf(paths.state)) !== manifest.stateDigest) return 'its state is not as it was made'
  return undefined
}
