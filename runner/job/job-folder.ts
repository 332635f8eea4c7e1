import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../config/errors.ts'
import { LineFile } from '../logs/line-file.ts'
import { LogFile } from '../logs/log-file.ts'
import { writeFailure } from '../logs/write-failure.ts'
import {
  artifactsName,
  consoleName,
  debugName,
  jobFolderPath,
  logName,
  orderName,
  progressName,
  recordName,
  timelineName,
} from './filenames.ts'
import type { JobEvent } from './job-event.ts'
import type { Progress } from './progress.ts'

export type JobFolder = {
  /** Absolute path of `<data>/jobs/<id>`. */
  readonly path: string
  readonly artifacts: string
  readonly log: LogFile
  readonly console: LogFile
  /**
   * Keeps one event; waits when the disk is slower than the job. Order of calls is order on disk. Where the disk is full,
   * all but log and console are held until it has room again.
   * @throws InfraError `host-disk-full`
   */
  writeEvent(event: JobEvent): Promise<void>
  /** Keeps how far the log has come, for another process; what cannot be written of it is left out. */
  writeProgress(line: Progress): void
  /**
   * Replaces `record.json` as a whole: a crash leaves the old one or the new one.
   * @throws InfraError `host-disk-full`
   */
  writeRecord(record: object): Promise<void>
  /**
   * Closes all but the console, which a machine that is kept goes on with.
   * @throws InfraError `host-disk-full`
   */
  closeButConsole(): Promise<void>
  /** Closes all. */
  close(): Promise<void>
}

export type JobFolderOptions = {
  readonly dataFolder: string
  /** Letters, digits, `.`, `_` and `-`, not beginning with a dot. */
  readonly id: string
  /** Bytes kept of each of log and console. @defaultValue 256 MiB */
  readonly logLimit?: number
  /** Whether it is to begin anew: what an attempt that was given up left there goes, but not what visitors did, or its order. @defaultValue false */
  readonly isNew?: boolean
}

/**
 * Makes a job's folder, or takes up the one that a crash left: torn indexes and a torn last line of the timeline
 * are mended. Readable by its owner only, for a log can hold what masking did not know.
 * @throws ConfigError for an id that is no folder name
 */
export async function createJobFolder(options: JobFolderOptions): Promise<JobFolder> {
  const { dataFolder, id, logLimit, isNew = false } = options
  const path = jobFolderPath(dataFolder, safeId(id))
  const artifacts = join(path, artifactsName)
  if (isNew) await empty(path)
  await mkdir(artifacts, { recursive: true, mode: 0o700 })
  const limit = logLimit === undefined ? {} : { limit: logLimit }
  const log = await LogFile.open({ folder: path, name: logName, ...limit })
  const console = await LogFile.open({ folder: path, name: consoleName, ...limit })
  const timeline = await LineFile.open(join(path, timelineName))
  let progress: LineFile | undefined
  let lastWrite: Promise<void> = Promise.resolve()
  let closingMost: Promise<void> | undefined

  /** One write after the other; a failed one does not stop those after it. */
  const inOrder = (write: () => Promise<void>): Promise<void> => {
    const result = lastWrite.then(write)
    lastWrite = result.catch(() => undefined)
    return result
  }

  const finish = async (): Promise<void> => {
    await lastWrite
    try {
      await timeline.close()
    } finally {
      await progress?.close().catch(() => undefined)
      await rm(join(path, progressName), { force: true })
      await log.close()
    }
  }
  const closeButConsole = (): Promise<void> => {
    closingMost ??= finish()
    return closingMost
  }

  return {
    path,
    artifacts,
    log,
    console,
    writeEvent(event) {
      if (event.type === 'log') return log.append(event.data, event.at)
      if (event.type === 'console') return console.append(event.data, event.at)
      return inOrder(() => timeline.append(JSON.stringify(event)))
    },
    writeProgress: (line) => {
      void inOrder(async () => {
        progress ??= await LineFile.open(join(path, progressName))
        await progress.append(JSON.stringify(line))
      }).catch(() => undefined)
    },
    writeRecord: (record) =>
      inOrder(() => replaceFile(path, recordName, `${JSON.stringify(record, null, 2)}\n`)),
    closeButConsole,
    close: () => closeButConsole().finally(() => console.close()),
  }
}

/** An id comes from queues and URLs: it must not lead out of the jobs' folder. */
function safeId(id: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(id)) return id
  throw new ConfigError(`expected a job id of letters, digits, '.', '_' and '-', got ${JSON.stringify(id)}`, {
    hint: 'take the id as the build printed it',
  })
}

/** What visitors did, and what the job was asked for with. */
const stays: ReadonlySet<string> = new Set([debugName, orderName])

async function empty(path: string): Promise<void> {
  const names = await readdir(path).catch(() => [])
  for (const name of names.filter((one) => !stays.has(one)))
    await rm(join(path, name), { recursive: true, force: true })
}

async function replaceFile(folder: string, name: string, content: string): Promise<void> {
  const temporary = join(folder, `${name}.new`)
  try {
    await using file = await open(temporary, 'w', 0o600)
    await file.writeFile(content)
    await file.sync()
  } catch (cause) {
    throw writeFailure(temporary, cause)
  }
  await rename(temporary, join(folder, name))
  await using directory = await open(folder)
  await directory.sync()
}
