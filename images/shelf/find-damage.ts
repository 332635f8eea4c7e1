import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { diskFile, initrdFile, kernelFile, packagesFile } from '../filenames.ts'
import { hashFile } from '../hash-file.ts'
import type { OnImageProgress } from '../image-progress.ts'
import type { Manifest } from '../manifest.ts'

/** One file of an image that is not what the manifest says; digests as `sha256:<hex>`. */
export type Damage = { readonly file: string; readonly expected: string; readonly found: string }

type Options = {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnImageProgress | undefined
}

/** Reads every byte of an image and holds it against the manifest. */
export async function findDamage(folder: string, manifest: Manifest, options: Options): Promise<Damage[]> {
  const files = [{ file: diskFile, expected: manifest.digest }]
  if (manifest.kernel !== null) {
    files.push(
      { file: kernelFile, expected: manifest.kernel.imageDigest },
      { file: initrdFile, expected: manifest.kernel.initrdDigest },
    )
  }
  if (manifest.packages !== undefined) files.push({ file: packagesFile, expected: manifest.packages.digest })
  const damage: Damage[] = []
  for (const { file, expected } of files) {
    const path = join(folder, file)
    const found = existsSync(path) ? await hashFile(path, options) : 'nothing'
    if (found !== expected) {
      damage.push({ file, expected, found })
    }
  }
  return damage
}
