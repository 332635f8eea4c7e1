import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../config/errors.ts'
import type { HostDebug } from '../../config/host/host-config.ts'
import type { Shelf } from '../../images/shelf.ts'
import { consoleName, jobFolderPath } from '../../runner/job/filenames.ts'
import { LogFile } from '../../runner/logs/log-file.ts'
import { createMasker } from '../../runner/logs/mask.ts'
import type { Machine } from '../../runner/machine/machine.ts'
import { parkedFolder } from '../../runner/park/filenames.ts'
import { readParkedManifest } from '../../runner/park/parked-manifest.ts'
import type { ResumeParked } from '../../runner/resume-on-host.ts'
import { timeLimit } from '../../runner/time-limit.ts'
import type { BuildJob, ParkedHold } from '../model/build.ts'
import { attemptId, attemptIds } from '../worker/attempt-id.ts'

type Options = {
  readonly debug: HostDebug
  /** Folder that holds the folders of jobs. */
  readonly archiveFolder: string
  readonly shelf: Pick<Shelf, 'resolve'>
  readonly resumeParked: ResumeParked
  /** Told how far the console of a job has come, bytes. */
  readonly announce: (job: string, size: number) => void
}

/** Machines of failed jobs, frozen in their jobs' folders. */
export type Parking = {
  /** Freezes a machine that has no secrets any more; what to write down of it. The machine is to be destroyed in any case. */
  park(job: BuildJob, machine: Machine): Promise<ParkedHold>
  /** Brings it back on this host; what is parked stays. Throws with the reason where this host cannot. */
  resume(job: BuildJob, signal: AbortSignal): Promise<Machine>
  /** Adds what a machine that is taken up says to its job's console, where it was read before. Throws what `adopt` does. */
  goOn(job: BuildJob, left: LeftConsole): Promise<Machine>
  /** Bytes of its job's console on disk. */
  consoleSize(job: BuildJob): Promise<number>
  isParked(job: BuildJob): Promise<boolean>
  /** Removes what is parked of any attempt at a job; nothing is no error. */
  remove(job: BuildJob): Promise<void>
}

/** The console of a machine that outlived its process. */
type LeftConsole = {
  /** To be masked. */
  readonly secrets: readonly string[]
  /** Bytes on disk before what is heard from `adopt` on. */
  readonly consoleSize: number
  readonly adopt: (onConsole: (chunk: Buffer) => void) => Promise<Machine>
}

/** Time for a machine to be frozen, or brought back, ms. */
const parkMs = 5 * 60_000

export function createParking({ debug, archiveFolder, shelf, resumeParked, announce }: Options): Parking {
  const folderOf = (attempt: string) => jobFolderPath(archiveFolder, attempt)
  const parkedOf = (job: BuildJob) => parkedFolder(folderOf(attemptId(job)))
  return {
    async park(job, machine) {
      const limit = timeLimit(new AbortController().signal, parkMs)
      try {
        const { made, bytes } = await machine.park(folderOf(attemptId(job)), limit.signal)
        const until = new Date(Date.parse(made) + debug.parked.maxAge).toISOString()
        return { state: 'parked', parked: made, until, bytes }
      } finally {
        limit.clear()
      }
    },
    async resume(job, signal) {
      const folder = parkedOf(job)
      const manifest = await readParkedManifest(folder)
      const limit = timeLimit(signal, parkMs)
      try {
        const image = await shelf.resolve(manifest.image.name)
        if (image.digest !== manifest.image.digest)
          throw new ConfigError(
            `expected image ${image.name} ${manifest.image.digest.slice(0, 19)}, this host has ${image.digest.slice(0, 19)}`,
          )
        const jobFolder = folderOf(attemptId(job))
        const { signal } = limit
        const intro = '\r\n[mayfly] this machine was parked, and goes on:\r\n'
        return await withConsole({ jobFolder, job, announce, intro }, (onConsole) =>
          resumeParked({ manifest, folder, image, signal, onNote: () => undefined, onConsole }),
        )
      } finally {
        limit.clear()
      }
    },
    async goOn(job, { secrets, consoleSize, adopt }) {
      const jobFolder = folderOf(attemptId(job))
      const masker = createMasker(secrets)
      let skip = Math.max(0, (await consoleSizeOf(jobFolder)) - consoleSize)
      return await withConsole({ jobFolder, job, announce }, (add) =>
        adopt((chunk) => {
          const data = masker.push(chunk)
          const fresh = data.subarray(skip)
          skip -= data.length - fresh.length
          if (fresh.length > 0) add(fresh)
        }),
      )
    },
    consoleSize: (job) => consoleSizeOf(folderOf(attemptId(job))),
    isParked: async (job) => (await stat(parkedOf(job)).catch(() => undefined)) !== undefined,
    async remove(job) {
      for (const attempt of attemptIds(job))
        await rm(parkedFolder(folderOf(attempt)), { recursive: true, force: true })
    },
  }
}

async function consoleSizeOf(jobFolder: string): Promise<number> {
  return (await stat(join(jobFolder, consoleName)).catch(() => undefined))?.size ?? 0
}

type WithConsole = {
  jobFolder: string
  job: BuildJob
  announce: Options['announce']
  /** A line of ours before what the machine says. */
  intro?: string
}

/** What a machine that comes back says is added to its job's console, where it was read before, until it ends. */
async function withConsole(
  { jobFolder, job, announce, intro }: WithConsole,
  resume: (onConsole: (chunk: Buffer) => void) => Promise<Machine>,
): Promise<Machine> {
  const console = await LogFile.open({ folder: jobFolder, name: consoleName })
  const since = Date.parse(job.started ?? '')
  const add = async (chunk: Buffer) => {
    await console.append(chunk, Math.max(0, Date.now() - since || 0))
    await console.flush()
    announce(job.id, console.size)
  }
  // What cannot be written of it keeps nobody out.
  const close = () => console.close().catch(() => undefined)
  try {
    if (intro !== undefined) await add(Buffer.from(intro))
    const machine = await resume((chunk) => void add(chunk).catch(() => undefined))
    void machine.ended.then(close)
    return machine
  } catch (error) {
    await close()
    throw error
  }
}
