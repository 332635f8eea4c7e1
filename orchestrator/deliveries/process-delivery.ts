import type { Logger } from 'pino'
import { ConfigError } from '../../config/errors.ts'
import type { BuildService } from '../builds/build-service.ts'
import type { Reading } from '../forges/forge.ts'
import type { Forges } from '../forges/forges.ts'
import type { Delivery, DeliveryVerdict } from '../model/delivery.ts'
import type { Repository } from '../model/repository.ts'
import { repositoryKey } from '../model/repository.ts'
import type { Store } from '../model/store.ts'
import type { Trigger } from '../model/trigger.ts'
import { readDelivery } from './read-delivery.ts'
import type { WholeSha } from './whole-sha.ts'

export type ProcessDelivery = {
  readonly id: string
  readonly store: Store
  readonly builds: Pick<BuildService, 'create' | 'supersede'>
  readonly forges: Forges
  /** Completes the short hashes of Bitbucket's pull requests. */
  readonly wholeSha: WholeSha
  readonly now: () => Date
  readonly log: Logger
}

/**
 * Works on an accepted delivery: reads it again, makes its builds or cancels those of a closed pull request, and
 * writes the verdict with all reasons. Does nothing for one that has its verdict, and makes no build twice when it is
 * run again after a crash.
 * @throws what the store or the builds threw, for a later try; what no try will mend becomes the verdict `failed`
 */
export async function processDelivery(work: ProcessDelivery): Promise<void> {
  const { id, store, log } = work
  const delivery = await store.deliveries.get(id)
  if (delivery?.verdict !== 'accepted') return
  const outcome = await readAndAct(work).catch((error: unknown) => {
    if (error instanceof ConfigError) return failed(error)
    throw error
  })
  const reasons = [...delivery.reasons, ...outcome.reasons]
  await store.deliveries.update(id, { verdict: outcome.verdict, reasons, builds: outcome.builds })
  log.info({ delivery: id, verdict: outcome.verdict, builds: outcome.builds }, 'worked on a delivery')
}

/** The verdict on a delivery that could not be worked on. */
export function failed(error: unknown): Outcome {
  const hint = error instanceof ConfigError ? error.hint : undefined
  const message = error instanceof Error ? error.message : String(error)
  return { verdict: 'failed', reasons: hint === undefined ? [message] : [message, hint], builds: [] }
}

type Outcome = Pick<Delivery, 'reasons' | 'builds'> & { readonly verdict: DeliveryVerdict }

async function readAndAct(work: ProcessDelivery): Promise<Outcome> {
  const read = await readDelivery(work)
  if (read === undefined) return failed(new ConfigError('the delivery is gone'))
  const reasons: string[] = []
  const builds: string[] = []
  for (const reading of read.readings) {
    const done = await act(work, read.repository, reading)
    reasons.push(...done.reasons)
    if (done.build !== undefined) builds.push(done.build)
  }
  return { verdict: builds.length > 0 ? 'built' : 'ignored', reasons, builds }
}

type Done = { readonly reasons: readonly string[]; readonly build?: string | undefined }

async function act(work: ProcessDelivery, repository: Repository, reading: Reading): Promise<Done> {
  const { id, builds, wholeSha } = work
  switch (reading.kind) {
    case 'ping':
      return { reasons: ['a ping: the webhook works'] }
    case 'ignored':
      return { reasons: [reading.reason] }
    case 'closed': {
      const number = reading.pullRequest
      const match = { repository: repositoryKey(repository), pullRequest: number }
      const count = await builds.supersede(match, `pull request ${number} was closed`)
      return { reasons: [`pull request ${number} was closed: ${count} of its builds cancelled`] }
    }
    case 'trigger': {
      const trigger = await wholeSha(repository, reading.trigger)
      // Asked for again after a crash, this ends the making of the same build.
      const { build, reasons } = await builds.create({ repository, trigger, delivery: id })
      return { reasons: [describeTrigger(trigger), ...reasons], build: build?.id }
    }
  }
}

/** One trigger in words, for the reasons of a delivery. */
export function describeTrigger({ event, ref, sha, pullRequest }: Trigger): string {
  const fork = pullRequest?.fork === true ? ' from a fork' : ''
  return `${event}${fork} of ${ref} at ${sha.slice(0, 12)}`
}
