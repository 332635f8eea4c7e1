import type { Logger } from 'pino'
import type { Archive } from '../archive/archive.ts'
import type { BuildParts } from '../builds/build-parts.ts'
import { showBuild, showJob } from '../http/schemas/show-build.ts'
import { aboutBuild } from '../logs/about-build.ts'
import { isEnded } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import type { NotificationOutbox } from '../notifications/notification-outbox.ts'
import { notifyOfBuilds } from '../notifications/notify-of-builds.ts'

type Followers = {
  readonly outbox: Pick<NotificationOutbox, 'notify'>
  readonly store: Pick<Store, 'repositories'>
  readonly archive: Pick<Archive, 'keep'>
  /** Becomes known when the server listens. */
  readonly publicUrl: () => string
  readonly log: Logger
}

/** What follows from where a build stands, beside its statuses: notifications, and its record in the archive. */
export function followBuilds(followers: Followers): NonNullable<BuildParts['onBuild']> {
  const { outbox, store, archive, publicUrl, log } = followers
  const notify = notifyOfBuilds({
    ...{ outbox, store, log },
    show: (build, jobs) => ({
      ...showBuild(build, publicUrl()),
      jobs: jobs.map((job) => showJob(job, publicUrl())),
    }),
  })
  return async (build, jobs) => {
    await notify(build, jobs)
    if (!isEnded(build.state)) return
    // A full disk does not hold up a verdict: the next sweep keeps what is not kept now.
    await archive.keep(build, jobs).catch((error: unknown) => {
      aboutBuild(log, build).warn({ err: error }, 'the record of a build could not be kept yet')
    })
  }
}
