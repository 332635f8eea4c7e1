import type { BuildService } from '../builds/build-service.ts'
import type { Forges } from '../forges/forges.ts'
import type { Store } from '../model/store.ts'
import { describeTrigger } from './process-delivery.ts'
import { readDelivery } from './read-delivery.ts'
import type { WholeSha } from './whole-sha.ts'

/**
 * What a delivery would do if it came now: the reasons in order and the names of the jobs. Nothing is written.
 * Undefined where there is no such delivery.
 * @throws ConfigError as `readDelivery` does
 */
export async function explainDelivery(options: {
  id: string
  store: Pick<Store, 'deliveries' | 'repositories'>
  builds: Pick<BuildService, 'explain'>
  forges: Forges
  wholeSha: WholeSha
}): Promise<{ readonly reasons: readonly string[]; readonly jobs: readonly string[] } | undefined> {
  const { builds, wholeSha } = options
  const read = await readDelivery(options)
  if (read === undefined) return undefined
  const reasons: string[] = []
  const jobs: string[] = []
  for (const reading of read.readings) {
    if (reading.kind === 'ping') reasons.push('a ping: the webhook works')
    else if (reading.kind === 'ignored') reasons.push(reading.reason)
    else if (reading.kind === 'closed')
      reasons.push(`pull request ${reading.pullRequest} was closed: cancels its builds`)
    else {
      const trigger = await wholeSha(read.repository, reading.trigger)
      const explained = await builds.explain({ repository: read.repository, trigger })
      reasons.push(describeTrigger(trigger), ...explained.reasons)
      jobs.push(...explained.jobs)
    }
  }
  return { reasons, jobs }
}
