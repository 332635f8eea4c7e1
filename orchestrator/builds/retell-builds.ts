import type { Archive } from '../archive/archive.ts'
import { isEnded } from '../model/build.ts'
import type { Notification, NotificationOutbox } from '../notifications/notification-outbox.ts'
import { notificationNote } from '../notifications/notification-outbox.ts'
import { statusNote } from '../statuses/status-outbox.ts'
import { announceAll } from './announce.ts'
import type { BuildParts } from './build-parts.ts'

type Retell = {
  readonly parts: BuildParts
  readonly archive: Pick<Archive, 'builds' | 'told'>
  /** Makes `onBuild` with another outbox for its notifications. */
  readonly followWith: (outbox: Pick<NotificationOutbox, 'notify'>) => NonNullable<BuildParts['onBuild']>
  readonly notifications: Pick<NotificationOutbox, 'notify'>
}

/** ms after which an outbox gives up, so that nobody waits for it any more. */
const recentMs = 86_400_000

/**
 * Tells forges and others again where builds stand, for after what was to be told was lost with Redis: of each build
 * that has not ended, or has not long ago, all that they are not known to have been told.
 */
export async function retellBuilds({ parts, archive, followWith, notifications }: Retell): Promise<void> {
  const { store, outbox, now } = parts
  const since = now().getTime() - recentMs
  for (const id of await archive.builds()) {
    const build = await store.builds.get(id)
    if (build === undefined) continue
    if (isEnded(build.state) && !(Date.parse(build.ended ?? '') > since)) continue
    const told = await archive.told(id)
    const untold = {
      ...outbox,
      post: async (status: Parameters<typeof outbox.post>[0]) => {
        const { whom, what } = statusNote(status)
        if (told.get(whom) !== what) await outbox.post(status)
      },
    }
    const onBuild = followWith({
      notify: async (notification: Notification) => {
        const { whom, what } = notificationNote(notification)
        if (told.get(whom) !== what) await notifications.notify(notification)
      },
    })
    await announceAll({ ...parts, outbox: untold, onBuild }, build, await store.jobs.ofBuild(id))
  }
}
