import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import {
  artifactsName,
  consoleName,
  lineIndexName,
  logName,
  timeIndexName,
  timelineName,
} from '../../runner/job/filenames.ts'
import type { Build, BuildJob } from '../model/build.ts'
import { attemptFolderPath, buildFolderPath, buildRecordName } from './filenames.ts'

/**
 * What has ended, on disk. An attempt's folder `jobs/<job>-<attempt>` is in the archive from its first byte on, so
 * that nothing large is ever copied; `builds/<build>/record.json` is added when the build has its verdict, and holds
 * what the index in Redis has of it.
 */
export type Archive = {
  /** Keeps the record of a finished build: a crash leaves the one before or this one. */
  keep(build: Build, jobs: readonly BuildJob[]): Promise<void>
  /** Undefined where there is none. */
  read(build: string): Promise<ArchivedBuild | undefined>
  /** Logs, consoles and timelines; the records stay. What is not there is no error, here and below. */
  removeLogs(attempts: readonly string[]): Promise<void>
  removeArtifacts(attempts: readonly string[]): Promise<void>
  /** All of a build. */
  remove(build: string, attempts: readonly string[]): Promise<void>
}

/** Complete: store and indexes can be made from it again. `format` grows when that takes another reader. */
export type ArchivedBuild = {
  readonly format: 1
  readonly build: Build
  readonly jobs: readonly BuildJob[]
}

const logNames = [logName, consoleName].flatMap((name) => [name, lineIndexName(name), timeIndexName(name)])

/** @param folder absolute path, in which `jobs/` and `builds/` are */
export function createArchive({ folder }: { folder: string }): Archive {
  const removeFrom = async (attempts: readonly string[], names: readonly string[]) => {
    for (const attempt of attempts) {
      const path = attemptFolderPath(folder, attempt)
      for (const name of names) await rm(join(path, name), { recursive: true, force: true })
    }
  }
  return {
    keep: async (build, jobs) => {
      const path = buildFolderPath(folder, build.id)
      await mkdir(path, { recursive: true, mode: 0o700 })
      const record: ArchivedBuild = { format: 1, build, jobs }
      await writeFileAtomic(join(path, buildRecordName), `${JSON.stringify(record, null, 2)}\n`, 0o600)
    },
    read: async (id) => {
      const text = await readFile(join(buildFolderPath(folder, id), buildRecordName), 'utf8').catch(ifThere)
      return text === undefined ? undefined : (JSON.parse(text) as ArchivedBuild)
    },
    removeLogs: (attempts) => removeFrom(attempts, [...logNames, timelineName]),
    removeArtifacts: (attempts) => removeFrom(attempts, [artifactsName]),
    remove: async (build, attempts) => {
      for (const attempt of attempts)
        await rm(attemptFolderPath(folder, attempt), { recursive: true, force: true })
      await rm(buildFolderPath(folder, build), { recursive: true, force: true })
    },
  }
}

function ifThere(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
