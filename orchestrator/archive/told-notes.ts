import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildFolderPath, toldName } from './filenames.ts'

/** What others were told of a build, so that it need not be told again where Redis lost what was to be told. */
export type ToldNotes = {
  /**
   * Notes the last thing that somebody was told, such as `status mayfly/test` and `passed`. Not durable to the last:
   * what is not noted is told once more.
   */
  noteTold(build: string, whom: string, what: string): Promise<void>
  /** The last thing that each was told. */
  told(build: string): Promise<ReadonlyMap<string, string>>
}

/** A line for each, beside the build's record; nothing where there is no such build. */
export function createToldNotes(archive: string): ToldNotes {
  const fileOf = (build: string) => join(buildFolderPath(archive, build), toldName)
  return {
    noteTold: async (build, whom, what) => {
      await appendFile(fileOf(build), `${JSON.stringify([whom, what])}\n`, { mode: 0o600 }).catch(ifThere)
    },
    told: async (build) => {
      const text = (await readFile(fileOf(build), 'utf8').catch(ifThere)) ?? ''
      return new Map(text.split('\n').flatMap(readNote))
    },
  }
}

function readNote(line: string): [string, string][] {
  try {
    const [whom, what] = JSON.parse(line) as unknown[]
    return typeof whom === 'string' && typeof what === 'string' ? [[whom, what]] : []
  } catch {
    return []
  }
}

function ifThere(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
