import { type LogFeed, openLogFeed } from './log-feed.ts'

/** The feeds that somebody follows. */
export type LogFeeds = {
  /** The feed of a log, opened for the first who follows it; `leave` closes it after the last. */
  join(order: Parameters<typeof openLogFeed>[0]): { readonly feed: LogFeed; leave(): void }
}

export function createLogFeeds(): LogFeeds {
  const open = new Map<string, { readonly feed: LogFeed; followers: number }>()
  return {
    join: (order) => {
      const key = `${order.job} ${order.attempt} ${order.log.name}`
      const known = open.get(key) ?? { feed: openLogFeed(order), followers: 0 }
      known.followers++
      open.set(key, known)
      return {
        feed: known.feed,
        leave: () => {
          known.followers--
          if (known.followers > 0) return
          known.feed.close()
          open.delete(key)
        },
      }
    },
  }
}
