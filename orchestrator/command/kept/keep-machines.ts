import { join } from 'node:path'
import type { Job } from '../../../config/pipeline/pipeline.ts'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import { keptName } from '../../../runner/machine/filenames.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { writeOwnFile } from '../../../runner/machine/write-own-file.ts'
import type { NextStep } from '../repro/stop-before.ts'
import type { View } from '../view/view.ts'
import { awaitEnd } from './await-end.ts'
import type { Kept } from './kept.ts'
import { keptGreeting } from './kept-greeting.ts'
import { prepareKept } from './prepare-kept.ts'
import { type Terminal, terminalShell } from './terminal-shell.ts'
import { wayIn } from './way-in.ts'

type KeepMachines = {
  /** Of whoever runs this; undefined where nobody sits at one. */
  readonly terminal: Terminal | undefined
  /** How long a machine waits for somebody to come in, milliseconds. At a terminal it stays as long as its shell. */
  readonly keepFor: number
  /** `--data` as it was given, for the commands that are shown. */
  readonly dataFlag: string | undefined
  readonly view: View
  /** Aborted by Ctrl-C, which ends the machine. */
  readonly signal: AbortSignal
}

export type KeptMachine = {
  readonly job: Job
  readonly record: JobRecord
  /** Alive, with all that its job left in it. */
  readonly machine: Machine
  readonly secrets: Readonly<Record<string, string>>
  /** A step that was not run, and is put in place for whoever comes in. */
  readonly next?: NextStep | undefined
}

/** Opens a machine that its job has left to whoever runs this, and ends it afterwards. Never rejects. */
export type KeepMachine = (kept: KeptMachine) => Promise<void>

/**
 * Keeps the machines of jobs that failed for the person at this computer: at a terminal in a shell right away,
 * elsewhere with the way in told, until somebody has had enough. One machine at a time, for the jobs of a run come one
 * after the other, so that no more memory is taken than the run itself takes.
 */
export function keepMachines(keep: KeepMachines): KeepMachine {
  return async (kept) => {
    const { machine } = kept
    const why = await open(keep, kept).catch((error: unknown) => {
      if (keep.signal.aborted) return 'interrupted'
      return `it could not be opened: ${error instanceof Error ? error.message : String(error)}`
    })
    await machine.destroy('now').catch(() => undefined)
    keep.view.keptOver(why)
  }
}

/** Why it is over. Rejects where nobody can get in. */
async function open(keep: KeepMachines, kept: KeptMachine): Promise<string> {
  const { terminal, keepFor, dataFlag, view, signal } = keep
  const { machine, record } = kept
  await prepareKept(kept, signal)
  const login = await machine.writeLogin()
  const file = join(login.folder, keptName)
  const greeting = keptGreeting(kept)
  const until = terminal === undefined ? new Date(Date.now() + keepFor).toISOString() : undefined
  const written: Kept = { job: record.id, until, greeting, login }
  await writeOwnFile(file, JSON.stringify(written))
  const gone = new AbortController()
  const limit = AbortSignal.any([signal, gone.signal])
  try {
    const over = awaitEnd({ machine, file, ms: terminal === undefined ? keepFor : undefined, signal: limit })
    view.kept({
      job: record.id,
      until,
      greeting,
      ...wayIn(written, dataFlag),
      inShell: terminal !== undefined,
    })
    if (terminal === undefined) return await over
    const client = await machine.visit(limit)
    return await Promise.race([over, terminalShell({ client, terminal, signal: limit })])
  } finally {
    // Ends what of the two is still under way, and gives the terminal back before anything is printed.
    gone.abort(new Error('the machine is not kept any more'))
    await new Promise(setImmediate)
  }
}
