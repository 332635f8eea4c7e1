import { rm, stat } from 'node:fs/promises'
import { ConfigError } from '../../config/errors.ts'
import type { HostDebug } from '../../config/host/host-config.ts'
import type { Shelf } from '../../images/shelf.ts'
import { jobFolderPath } from '../../runner/job/filenames.ts'
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
}

/** Machines of failed jobs, frozen in their jobs' folders. */
export type Parking = {
  /** Freezes a machine that has no secrets any more; what to write down of it. The machine is to be destroyed in any case. */
  park(job: BuildJob, machine: Machine): Promise<ParkedHold>
  /** Brings it back on this host; what is parked stays. Throws with the reason where this host cannot. */
  resume(job: BuildJob, signal: AbortSignal): Promise<Machine>
  isParked(job: BuildJob): Promise<boolean>
  /** Removes what is parked of any attempt at a job; nothing is no error. */
  remove(job: BuildJob): Promise<void>
}

/** Time for a machine to be frozen, or brought back, ms. */
const parkMs = 5 * 60_000

export function createParking({ debug, archiveFolder, shelf, resumeParked }: Options): Parking {
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
        const ignore = () => undefined
        const { signal } = limit
        return await resumeParked({ manifest, folder, image, signal, onNote: ignore, onConsole: ignore })
      } finally {
        limit.clear()
      }
    },
    isParked: async (job) => (await stat(parkedOf(job)).catch(() => undefined)) !== undefined,
    async remove(job) {
      for (const attempt of attemptIds(job))
        await rm(parkedFolder(folderOf(attempt)), { recursive: true, force: true })
    },
  }
}
