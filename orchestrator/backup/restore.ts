import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, InfraError } from '../../config/errors.ts'
import {
  archiveParts,
  type BackupManifest,
  dataParts,
  manifestName,
  manifestSchema,
} from './backup-format.ts'
import { tar } from './tar.ts'

export type Restore = {
  readonly from: string
  readonly archiveFolder: string
  readonly dataFolder: string
  /** Of an archive that lies in one; it has to be the backup's. */
  readonly bucket: string | undefined
  readonly signal: AbortSignal
}

/**
 * Puts what is in a backup into the folders of an installation that has none of it yet. No server may run there. Redis is
 * made anew by the next server, or by `mayfly reindex`.
 *
 * @throws {ConfigError} for a file that is no backup, and where there is something already; nothing is changed then
 * @throws {InfraError} where it could not be unpacked; what was there before is there still, and no more
 */
export async function restore({
  from,
  archiveFolder,
  dataFolder,
  bucket,
  signal,
}: Restore): Promise<BackupManifest> {
  const manifest = await readManifest(from, signal)
  if (manifest.bucket !== bucket)
    throw new ConfigError(
      `expected an installation whose archive is ${manifest.bucket ?? 'a folder'}, as that of the backup, got ${bucket ?? 'a folder'}`,
      { hint: 'set `archive` in the host file' },
    )
  const places = [
    ...(bucket === undefined ? archiveParts.map((name) => ({ name, folder: archiveFolder })) : []),
    ...[...dataParts, ...(bucket === undefined ? [] : ['jobs'])].map((name) => ({
      name,
      folder: dataFolder,
    })),
  ]
  for (const { name, folder } of places) {
    if (!(await hasSome(folder, name))) continue
    throw new ConfigError(`expected nothing of an installation, found ${join(folder, name)}`, {
      hint: 'restore into an empty folder: --data FOLDER',
    })
  }
  for (const folder of new Set(places.map((place) => place.folder))) {
    const names = places.filter((place) => place.folder === folder).map(({ name }) => name)
    await unpackInto({ from, folder, names, signal })
  }
  return manifest
}

async function readManifest(from: string, signal: AbortSignal): Promise<BackupManifest> {
  const wrong = `expected a backup that \`mayfly backup\` made, got ${from}`
  try {
    const args = ['--extract', '--zstd', '--to-stdout', '--occurrence=1', '--file', from, manifestName]
    return manifestSchema.parse(JSON.parse(await tar({ args, file: from, signal })))
  } catch (cause) {
    signal.throwIfAborted()
    throw new ConfigError(
      `${wrong}: ${cause instanceof InfraError ? cause.message : 'it does not say what it is'}`,
      {
        cause,
      },
    )
  }
}

type Unpack = { from: string; folder: string; names: readonly string[]; signal: AbortSignal }

/** Beside its place first, so that one that cannot be unpacked to its end leaves nothing there. */
async function unpackInto({ from, folder, names, signal }: Unpack): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const beside = await mkdtemp(join(folder, '.restore-'))
  try {
    const inIt = (await tar({ args: ['--list', '--zstd', '--file', from], file: from, signal })).split('\n')
    const wanted = names.filter((name) => inIt.some((path) => path === name || path.startsWith(`${name}/`)))
    if (wanted.length === 0) return
    const flags = ['--extract', '--zstd', '--no-same-owner', '--preserve-permissions', '--file', from]
    await tar({ args: [...flags, '-C', beside, ...wanted], file: from, signal })
    for (const name of wanted) {
      // What was there is empty.
      await rm(join(folder, name), { recursive: true, force: true })
      await rename(join(beside, name), join(folder, name))
    }
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

async function hasSome(folder: string, name: string): Promise<boolean> {
  const there: string[] = await readdir(folder).catch(() => [])
  if (!there.includes(name)) return false
  const inIt = await readdir(join(folder, name)).catch(() => undefined)
  return inIt === undefined || inIt.length > 0
}
