import { jobDefaults } from '../defaults.ts'
import type { NetworkMode } from './pipeline.ts'
import type { JobBody } from './schema.ts'

/** What a job's machine has to reach, and which parts of the job are kept from it. */
export type Networks = {
  readonly machine: NetworkMode
  readonly offlineSetup: boolean
  /** By the index of the step. */
  readonly offline: readonly boolean[]
}

/** The machine has what the most demanding part of the job asks for; the other parts go without. */
export function resolveNetworks({
  network,
  setup,
  steps,
}: Pick<JobBody, 'network' | 'setup' | 'steps'>): Networks {
  const written = network ?? jobDefaults.network
  const parts = typeof written === 'string' ? { setup: written, steps: written } : written
  const ofSetup = setup === undefined ? [] : [parts.setup ?? jobDefaults.network]
  const ofSteps = steps.map(
    (step) => (typeof step === 'string' ? undefined : step.network) ?? parts.steps ?? jobDefaults.network,
  )
  const asked = [...ofSetup, ...ofSteps]
  const machine = (['internet', 'web'] as const).find((mode) => asked.includes(mode)) ?? 'none'
  return {
    machine,
    offlineSetup: machine !== 'none' && ofSetup[0] === 'none',
    offline: ofSteps.map((mode) => machine !== 'none' && mode === 'none'),
  }
}
