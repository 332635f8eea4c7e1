import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import type { AttemptFiles } from '../../runner/job/attempt-files.ts'
import {
  artifactsName,
  consoleName,
  lineIndexName,
  logName,
  timeIndexName,
  timelineName,
} from '../../runner/job/filenames.ts'
import { folderFiles } from '../../runner/job/folder-files.ts'
import type { Build, BuildJob } from '../model/build.ts'
import { createBuildChanges } from './build-changes.ts'
import { createDeliveryFiles } from './delivery-files.ts'
import {
  attemptFolderPath,
  buildFolderPath,
  buildRecordName,
  buildsFolder,
  registerPath,
} from './filenames.ts'
import { createSubmittedFiles, type SubmittedFiles } from './submitted-files.ts'
import { createToldNotes, type ToldNotes } from './told-notes.ts'

/**
 * What was accepted and what has ended, on disk. An attempt's folder `jobs/<job>-<attempt>` is in the archive from its
 * first byte on, so that nothing large is ever copied; `builds/<build>/` holds what the index in Redis has of a build,
 * from its acceptance on, so that the index can be made anew.
 */
export type Archive = ToldNotes &
  SubmittedFiles & {
    /** What there is of an attempt at a job, also while it runs. */
    files(attempt: string): AttemptFiles
    /** Keeps a build whole, when it is new and when it has its verdict: a crash leaves the one before or this one. */
    keep(build: Build, jobs: readonly BuildJob[]): Promise<void>
    /** Keeps how a build, or a job of one, stands after a change; false, and nothing kept, where `keep` never was. */
    keepChange(changed: BuildChange): Promise<boolean>
    /** As it last was; undefined where there is none. */
    read(build: string): Promise<ArchivedBuild | undefined>
    /** Ids of all builds, the oldest first. */
    builds(): Promise<string[]>
    /** Logs, consoles and timelines; the records stay. What is not there is no error, here and below. */
    removeLogs(attempts: readonly string[]): Promise<void>
    removeArtifacts(attempts: readonly string[]): Promise<void>
    /** All of a build. */
    remove(build: string, attempts: readonly string[]): Promise<void>
    /** Adds lines about deliveries to those of a day; durable when it resolves. None has a line break in it. */
    keepDeliveries(lines: readonly string[], at: Date): Promise<void>
    /** All lines, in the order in which they came; one that a crash cut short may be among them. */
    deliveries(): AsyncGenerator<string>
    /** Removes the days that were over before a time. */
    trimDeliveries(before: Date): Promise<void>
    /** One text in place of the one before. */
    keepRegister(text: string): Promise<void>
    /** Undefined where none was kept. */
    readRegister(): Promise<string | undefined>
  }

export type BuildChange = { readonly build: Build } | { readonly job: BuildJob }

/** Complete: store and indexes can be made from it again. `format` grows when that takes another reader. */
export type ArchivedBuild = {
  readonly format: 1
  readonly build: Build
  readonly jobs: readonly BuildJob[]
}

/** The names of what `removeLogs` removes, but for the timeline. */
export const logNames = [logName, consoleName].flatMap((name) => [
  name,
  lineIndexName(name),
  timeIndexName(name),
])

/** @param folder absolute path, in which `jobs/` and `builds/` are */
export function createArchive({ folder }: { folder: string }): Archive {
  const changes = createBuildChanges(folder)
  const removeFrom = async (attempts: readonly string[], names: readonly string[]) => {
    for (const attempt of attempts) {
      const path = attemptFolderPath(folder, attempt)
      for (const name of names) await rm(join(path, name), { recursive: true, force: true })
    }
  }
  return {
    files: (attempt) => folderFiles(attemptFolderPath(folder, attempt)),
    keep: async (build, jobs) => {
      const path = buildFolderPath(folder, build.id)
      await mkdir(path, { recursive: true, mode: 0o700 })
      const record: ArchivedBuild = { format: 1, build, jobs }
      await writeFileAtomic(join(path, buildRecordName), `${JSON.stringify(record, null, 2)}\n`, 0o600)
    },
    keepChange: changes.keep,
    read: async (id) => {
      const text = await readFile(join(buildFolderPath(folder, id), buildRecordName), 'utf8').catch(ifThere)
      return text === undefined ? undefined : await changes.addTo(JSON.parse(text) as ArchivedBuild)
    },
    builds: async () => ((await readdir(buildsFolder(folder)).catch(ifThere)) ?? []).sort(),
    removeLogs: (attempts) => removeFrom(attempts, [...logNames, timelineName]),
    removeArtifacts: (attempts) => removeFrom(attempts, [artifactsName]),
    remove: async (build, attempts) => {
      for (const attempt of attempts)
        await rm(attemptFolderPath(folder, attempt), { recursive: true, force: true })
      await rm(buildFolderPath(folder, build), { recursive: true, force: true })
    },
    ...createDeliveryFiles(folder),
    ...createToldNotes(folder),
    ...createSubmittedFiles(folder),
    keepRegister: async (text) => {
      await mkdir(folder, { recursive: true })
      await writeFileAtomic(registerPath(folder), text, 0o600)
    },
    readRegister: () => readFile(registerPath(folder), 'utf8').catch(ifThere),
  }
}

function ifThere(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
