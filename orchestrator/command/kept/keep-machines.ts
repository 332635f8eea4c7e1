import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Job } from '../../../config/pipeline/pipeline.ts'
import { exportLines } from '../../../runner/guest/export-lines.ts'
import { guestPaths, stepFolder } from '../../../runner/guest/guest-paths.ts'
import { hereScript } from '../../../runner/guest/here-script.ts'
import { failedStep } from '../../../runner/job/failed-step.ts'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import { keptName } from '../../../runner/machine/filenames.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { timeLimit } from '../../../runner/time-limit.ts'
import type { NextStep } from '../repro/stop-before.ts'
import type { View } from '../view/view.ts'
import { awaitEnd } from './await-end.ts'
import type { Kept } from './kept.ts'
import { keptGreeting } from './kept-greeting.ts'
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

/** Time for the secrets to be removed from a machine, ms. */
const forgetMs = 5 * 60_000

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
  const login = await prepare(kept, signal)
  const file = join(login.folder, keptName)
  const greeting = keptGreeting(kept)
  const until = terminal === undefined ? new Date(Date.now() + keepFor).toISOString() : undefined
  const written: Kept = { job: record.id, until, greeting, login }
  await writeFile(file, JSON.stringify(written), { mode: 0o600 })
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

/** Removes the secrets, puts down what helps to look around, and writes how to log in. */
async function prepare(kept: KeptMachine, signal: AbortSignal) {
  const { machine, record, secrets, next } = kept
  const limit = timeLimit(signal, forgetMs, 'the secrets could not be removed in time')
  try {
    const values = Object.values(secrets)
    if (values.length > 0) await machine.forgetSecrets(values, limit.signal)
    if (next !== undefined) await placeNext(machine, next, limit.signal)
    const index = failedStep(record)?.index ?? next?.index ?? 0
    const here = hereScript({ index, workdir: machine.workdir })
    await machine.putFile(guestPaths.here, Buffer.from(here), 0o644, limit.signal)
    return await machine.writeLogin()
  } finally {
    limit.clear()
  }
}

async function placeNext(machine: Machine, { index, step }: NextStep, signal: AbortSignal): Promise<void> {
  const folder = stepFolder(index)
  await machine.exec(`mkdir -p -m 700 ${folder}`, signal)
  await machine.putFile(`${folder}/env`, Buffer.from(`${exportLines(step.env)}\n`), 0o600, signal)
  await machine.putFile(`${folder}/script`, Buffer.from(`${step.run}\n`), 0o755, signal)
}
