import { access, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import type { Build, BuildJob } from '../model/build.ts'
import type { Archive, ArchivedBuild } from './archive.ts'
import { buildFolderPath, buildRecordName, changeName, changesFolder, readChangeName } from './filenames.ts'

/** Stands for the build itself among the names of its jobs, which all begin with its id. */
export const ofBuild = 'build'

type BuildChanges = {
  readonly keep: Archive['keepChange']
  /** The record with what is newer in place of what it has. */
  readonly addTo: (record: ArchivedBuild) => Promise<ArchivedBuild>
}

/**
 * The changes of a build since it was kept whole, a small file each, so that a build of many jobs is not written anew
 * with each step of one. Each has its revision in its name: processes that write at once never replace a newer one.
 */
export function createBuildChanges(archive: string): BuildChanges {
  return {
    keep: async (changed) => {
      const record = 'job' in changed ? changed.job : changed.build
      const build = 'job' in changed ? changed.job.build : changed.build.id
      const of = 'job' in changed ? changed.job.id : ofBuild
      const { revision = 0 } = record
      const folder = changesFolder(archive, build)
      const write = () =>
        writeFileAtomic(join(folder, changeName(of, revision)), `${JSON.stringify(record)}\n`, 0o600)
      try {
        await write()
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        // Its first change, or one of a build that is not here.
        if (!(await isThere(join(buildFolderPath(archive, build), buildRecordName)))) return false
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await write()
      }
      // Nobody waits for that: the newest counts, whatever lies beside it.
      void removeOlder(folder, of, revision).catch(() => undefined)
      return true
    },
    addTo: async (record) =>
      withChanges(record, await newestChanges(changesFolder(archive, record.build.id))),
  }
}

/** A record with what has changed since it was kept, by `ofBuild` or a job's id, in place of what it has. */
export function withChanges(
  { format, build, jobs }: ArchivedBuild,
  changes: ReadonlyMap<string, Build | BuildJob>,
): ArchivedBuild {
  const latest = <T extends Build | BuildJob>(of: string, record: T): T => {
    const changed = changes.get(of) as T | undefined
    return changed !== undefined && (changed.revision ?? 0) > (record.revision ?? 0) ? changed : record
  }
  return { format, build: latest(ofBuild, build), jobs: jobs.map((job) => latest(job.id, job)) }
}

async function newestChanges(folder: string): Promise<Map<string, Build | BuildJob>> {
  const found = new Map<string, Build | BuildJob>()
  for (const name of await namesIn(folder)) {
    const of = readChangeName(name)?.of
    const record = of === undefined ? undefined : await readChange(join(folder, name))
    if (of === undefined || record === undefined) continue
    if ((found.get(of)?.revision ?? -1) < (record.revision ?? 0)) found.set(of, record)
  }
  return found
}

// Whoever keeps a newer one removes it meanwhile, and the newer one is found.
async function readChange(path: string): Promise<Build | BuildJob | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as Build | BuildJob)
}

async function removeOlder(folder: string, of: string, revision: number): Promise<void> {
  for (const name of await namesIn(folder)) {
    const change = readChangeName(name)
    if (change?.of === of && change.revision < revision) await rm(join(folder, name), { force: true })
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort()
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
