import type { Logger } from 'pino'
import { ConfigError } from '../../config/errors.ts'
import type { NotifyEvent } from '../../config/host/host-config.ts'
import { aboutBuild } from '../logs/about-build.ts'
import { type Build, type BuildJob, isEnded } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import type { NotificationOutbox } from './notification-outbox.ts'

type Parts = {
  readonly outbox: Pick<NotificationOutbox, 'notify'>
  readonly store: Pick<Store, 'repositories'>
  /** The record as the API shows it; holds no secret. */
  readonly show: (build: Build, jobs: readonly BuildJob[]) => unknown
  readonly log: Logger
}

/**
 * Makes the function that hears where builds stand and tells the URLs that their repositories name: once of each start
 * and of each verdict, however often it hears of it. A retry that comes to the same verdict is news.
 */
export function notifyOfBuilds({ outbox, store, show, log }: Parts) {
  return async (build: Build, jobs: readonly BuildJob[]): Promise<void> => {
    const event = eventOf(build)
    if (event === undefined) return
    const repository = await store.repositories.get(build.repository)
    for (const { url } of (repository?.notify ?? []).filter(({ on }) => wants(on, event))) {
      try {
        await outbox.notify({
          ...{ scope: build.repository, url, type: `build.${event}`, subject: build.id },
          data: show(build, jobs),
          news: isEnded(build.state) ? `${event} ${jobs.map(({ attempt }) => attempt).join('.')}` : event,
        })
      } catch (error) {
        // A record from before the rules for URLs; the next try would find the same.
        if (!(error instanceof ConfigError)) throw error
        aboutBuild(log, build).warn({ err: error }, 'nobody was notified')
      }
    }
  }
}

function eventOf({ state }: Build): Exclude<NotifyEvent, 'ended'> | undefined {
  if (isEnded(state)) return state
  return state === 'running' ? 'started' : undefined
}

function wants(on: readonly NotifyEvent[], event: NotifyEvent): boolean {
  return on.includes(event) || (event !== 'started' && on.includes('ended'))
}
