import { exportLines } from '../../../runner/guest/export-lines.ts'
import { guestPaths, stepFolder } from '../../../runner/guest/guest-paths.ts'
import { hereScript } from '../../../runner/guest/here-script.ts'
import { failedStep } from '../../../runner/job/failed-step.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { timeLimit } from '../../../runner/time-limit.ts'
import type { NextStep } from '../repro/stop-before.ts'
import type { KeptMachine } from './keep-machines.ts'

/** Time for the secrets to be removed from a machine, ms. */
const forgetMs = 5 * 60_000

/** Removes the secrets of a machine that its job has left, and puts down in it what helps to look around. */
export async function prepareKept(kept: KeptMachine, signal: AbortSignal): Promise<void> {
  const { machine, record, secrets, next } = kept
  const limit = timeLimit(signal, forgetMs, 'the secrets could not be removed in time')
  try {
    const values = Object.values(secrets)
    if (values.length > 0) await machine.forgetSecrets(values, limit.signal)
    if (next !== undefined) await placeNext(machine, next, limit.signal)
    const index = failedStep(record)?.index ?? next?.index ?? 0
    const here = hereScript({ index, workdir: machine.workdir })
    await machine.putFile(guestPaths.here, Buffer.from(here), 0o644, limit.signal)
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
