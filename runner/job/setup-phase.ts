import type { Machine, Preparation } from '../machine/machine.ts'
import { tellMachine } from './boot-job-machine.ts'
import type { JobLife } from './job-life.ts'
import type { JobSetup } from './prepare-setup.ts'
import { runSteps } from './run-steps.ts'
import { upload } from './upload-phase.ts'

type SetupPhase = {
  readonly life: JobLife
  readonly machine: Machine
  readonly setup: JobSetup
  /** What the steps after it are to find. */
  readonly preparation: Preparation
}

/**
 * Brings the machine to where the job's setup is done: it starts there, or the setup runs and is kept if it may be.
 * Throws what `runSteps` does.
 */
export async function setupPhase({ life, machine, setup, preparation }: SetupPhase): Promise<void> {
  if (machine.facts.checkpoint?.state === 'restored') return
  try {
    await runSetup({ life, machine, setup })
  } catch (error) {
    await machine.dropSetup?.()
    throw error
  }
  if (machine.keepSetup !== undefined) {
    const result = await machine.keepSetup(life.signal)
    await tellMachine(life.timeline, machine.facts)
    if (result === 'to-run-again') {
      await machine.prepare(setup.preparation, life.signal)
      await runSetup({ life, machine, setup })
    }
  }
  await machine.prepare(preparation, life.signal)
}

async function runSetup({ life, machine, setup }: Omit<SetupPhase, 'preparation'>): Promise<void> {
  if (setup.files !== undefined) await upload(life, machine, await setup.files())
  await runSteps(life, machine, 'setup')
}
