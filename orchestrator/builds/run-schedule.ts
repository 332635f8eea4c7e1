import type { Logger } from 'pino'
import { encodeTime } from 'ulid'
import { ConfigError } from '../../config/errors.ts'
import { repositoryKey, type Schedule } from '../model/repository.ts'
import type { Store } from '../model/store.ts'
import type { Trigger } from '../model/trigger.ts'
import type { BuildParts } from './build-parts.ts'
import type { BuildService } from './build-service.ts'
import { ulidOf } from './ulid-of.ts'

export type ScheduleParts = {
  readonly store: Pick<Store, 'repositories'>
  readonly builds: Pick<BuildService, 'create'>
  readonly resolveRef: BuildParts['resolveRef']
  readonly log: Logger
}

/** One time that a schedule came up. */
export type Occasion = {
  /** Key of the repository. */
  readonly repository: string
  readonly schedule: Schedule
  /** Milliseconds since 1970. */
  readonly at: number
  /** The same where the same occasion is worked on again. */
  readonly id: string
}

/**
 * Starts the build of a schedule whose time has come, at the tip of its branch; nothing where repository or schedule
 * are no longer registered, or the branch is gone. The same occasion makes one build, however often it is run.
 */
export async function runSchedule(parts: ScheduleParts, occasion: Occasion): Promise<void> {
  const { store, builds, resolveRef, log } = parts
  const { schedule, at } = occasion
  const repository = await store.repositories.get(occasion.repository)
  const isKnown = repository?.schedules?.some(
    ({ cron, branch }) => cron === schedule.cron && branch === schedule.branch,
  )
  if (repository === undefined || isKnown !== true) return
  try {
    const ref = `refs/heads/${schedule.branch}`
    const trigger = scheduleTrigger(schedule, { ref, sha: await resolveRef(repository, ref) })
    const id = ulidOf({ time: encodeTime(at).toLowerCase(), words: [occasion.id] })
    const { build, reasons } = await builds.create({ repository, trigger, id })
    log.info({ repository: repositoryKey(repository), schedule, build: build?.id, reasons }, 'scheduled')
  } catch (error) {
    // Another try would find the same; what is no fault of the registration is tried again.
    if (!(error instanceof ConfigError)) throw error
    log.warn({ repository: occasion.repository, schedule, err: error }, 'a schedule could not start a build')
  }
}

function scheduleTrigger({ cron, branch }: Schedule, commit: { ref: string; sha: string }): Trigger {
  return {
    event: 'schedule',
    ...commit,
    branch,
    tag: undefined,
    title: `scheduled at ${cron}`,
    author: '',
    actor: 'schedule',
    before: undefined,
    pullRequest: undefined,
    inputs: {},
  }
}
