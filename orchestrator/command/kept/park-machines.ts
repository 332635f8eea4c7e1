import { writeFile } from 'node:fs/promises'
import { jobFolderPath } from '../../../runner/job/filenames.ts'
import { parkedGreeting } from '../../../runner/park/filenames.ts'
import type { View } from '../view/view.ts'
import type { KeepMachine } from './keep-machines.ts'
import { keptGreeting } from './kept-greeting.ts'
import { prepareKept } from './prepare-kept.ts'
import { debugLine } from './way-in.ts'

type ParkMachines = {
  readonly dataFolder: string
  /** `--data` as it was given, for the command that is shown. */
  readonly dataFlag: string | undefined
  readonly view: View
  readonly signal: AbortSignal
}

/** Parks the machines of jobs that failed in their jobs' folders, for `mayfly debug` to resume on another day. */
export function parkMachines({ dataFolder, dataFlag, view, signal }: ParkMachines): KeepMachine {
  return async (kept) => {
    const { machine, record } = kept
    try {
      await prepareKept(kept, signal)
      const jobFolder = jobFolderPath(dataFolder, record.id)
      const { bytes } = await machine.park(jobFolder, signal)
      await writeFile(parkedGreeting(jobFolder), keptGreeting(kept), { mode: 0o600 })
      view.parked({ job: record.id, bytes, debug: debugLine(record.id, dataFlag) })
    } catch (error) {
      const why = signal.aborted ? 'interrupted' : error instanceof Error ? error.message : String(error)
      view.keptOver(`it could not be parked: ${why}`)
    } finally {
      await machine.destroy('now').catch(() => undefined)
    }
  }
}
