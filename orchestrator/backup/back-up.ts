import { access, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { ConfigError } from '../../config/errors.ts'
import { syncPath } from '../../images/atomic-file.ts'
import { archiveParts, type BackupManifest, dataParts, manifestName } from './backup-format.ts'
import { tar } from './tar.ts'

export type BackUp = {
  readonly archiveFolder: string
  readonly dataFolder: string
  /** The file that is made; it must not be there. */
  readonly to: string
  /** Whether logs, artifacts and parked machines are to be in it. */
  readonly withJobs: boolean
  /** `s3://bucket/prefix` of an archive that lies there and is not copied. */
  readonly bucket: string | undefined
  readonly now: () => Date
  readonly signal: AbortSignal
}

/**
 * Writes what an installation cannot make anew into one file, tar with zstd, readable by its owner only; servers may run.
 * Not in it: the key file of the secrets, without which the secrets in it are worth nothing, and images, templates and
 * mirrors, which come back by themselves.
 *
 * @throws {ConfigError} where the file is there
 * @throws {InfraError} where it could not be written; nothing is left of it then
 */
export async function backUp(options: BackUp): Promise<BackupManifest> {
  const { archiveFolder, dataFolder, withJobs, bucket, now, signal } = options
  const to = resolve(options.to)
  if (await isThere(to))
    throw new ConfigError(`expected no file ${to}, found one`, { hint: 'give another name' })
  const manifest: BackupManifest = {
    ...{ format: 1, created: now().toISOString(), jobs: withJobs },
    ...(bucket === undefined ? {} : { bucket }),
  }
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-backup-'))
  const part = `${to}.part`
  try {
    await writeFile(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`)
    await writeFile(part, '', { mode: 0o600 })
    const archived = archiveParts.filter((name) => withJobs || name !== 'jobs')
    const from = [
      ...['-C', folder, manifestName],
      ...(bucket === undefined ? await partsIn(archiveFolder, archived) : []),
      ...(await partsIn(
        dataFolder,
        bucket === undefined ? dataParts : [...dataParts, ...jobsHere(withJobs)],
      )),
    ]
    const flags = ['--create', '--zstd', '--sparse', '--numeric-owner']
    await tar({ args: [...flags, '--file', part, ...from], file: part, signal })
    await syncPath(part)
    await rename(part, to)
    await syncPath(dirname(to))
  } catch (error) {
    await rm(part, { force: true })
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return manifest
}

/** What has not been brought to the bucket yet. */
function jobsHere(withJobs: boolean): readonly string[] {
  return withJobs ? ['jobs'] : []
}

async function partsIn(folder: string, names: readonly string[]): Promise<string[]> {
  const there: string[] = await readdir(folder).catch(() => [])
  const found = names.filter((name) => there.includes(name))
  return found.length === 0 ? [] : ['-C', resolve(folder), ...found]
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
