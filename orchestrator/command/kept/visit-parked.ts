import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { withLock } from '../../../images/lock.ts'
import type { Shelf } from '../../../images/shelf.ts'
import { jobFolderPath } from '../../../runner/job/filenames.ts'
import { sweepMachines } from '../../../runner/machine/sweep-machines.ts'
import { parkedFolder, parkedGreeting, parkedLock } from '../../../runner/park/filenames.ts'
import { readParkedManifest } from '../../../runner/park/parked-manifest.ts'
import type { ResumeParked } from '../../../runner/resume-on-host.ts'
import { runSsh } from '../server/run-ssh.ts'
import { sshArgs } from './way-in.ts'

type VisitParked = {
  readonly dataFolder: string
  readonly shelf: Pick<Shelf, 'resolve'>
  readonly id: string
  /** Empty for a shell. */
  readonly command: readonly string[]
  /** Removes what is parked instead. */
  readonly end: boolean
  readonly resumeParked: ResumeParked
  readonly tell: (line: string) => void
}

/** Whether a machine of that local job is parked in this data folder. */
export const isParkedHere = (dataFolder: string, id: string) =>
  existsSync(parkedFolder(jobFolderPath(dataFolder, id)))

/**
 * Resumes the parked machine of a local job, leads into it, and parks it again as it then stands. Gives the exit code of
 * what ran in it. One at a time; whoever is cut off leaves it parked as it was.
 *
 * Throws InfraError where it cannot be resumed or parked again.
 */
export async function visitParked(visit: VisitParked): Promise<number> {
  const { dataFolder, id, shelf, command, end, resumeParked, tell } = visit
  const jobFolder = jobFolderPath(dataFolder, id)
  const folder = parkedFolder(jobFolder)
  const { signal } = new AbortController()
  const onWait = () => tell('waiting for somebody else who is in it')
  return await withLock({ path: parkedLock(jobFolder), signal, onWait }, async () => {
    if (end) {
      await rm(folder, { recursive: true, force: true })
      return 0
    }
    await sweepMachines(dataFolder)
    const manifest = await readParkedManifest(folder)
    const greeting = await readFile(parkedGreeting(jobFolder), 'utf8').catch(() => `the machine of job ${id}`)
    tell(`resuming the machine that was parked at ${manifest.made}`)
    const image = await shelf.resolve(manifest.image.name)
    const ignore = () => undefined
    const machine = await resumeParked({
      ...{ manifest, folder, image, signal, onNote: ignore, onConsole: ignore },
    })
    try {
      const login = sshArgs(await machine.writeLogin())
      if (command.length === 0) tell(`${greeting}\nAfter \`exit\` it is parked again as it then stands.\n`)
      const code = await runSsh([...login, ...(command.length === 0 ? [] : ['--', ...command])])
      tell('parking it again')
      await machine.park(jobFolder, signal)
      await writeFile(parkedGreeting(jobFolder), greeting, { mode: 0o600 })
      return code
    } finally {
      await machine.destroy('now')
    }
  })
}
