import { computerOf } from '../hosts/computer-of.ts'
import { cordonInWords } from '../hosts/cordon-in-words.ts'
import type { Cordons } from '../hosts/cordons.ts'
import type { Hosts } from '../hosts/hosts.ts'
import type { Cordon, HostStatus } from '../model/queue-view.ts'

/** Whether people want this host to take jobs. */
export type OwnCordon = {
  /** Asks Redis. Tells `onDue` when what still runs is to be put back. */
  look(): Promise<void>
  /** Why nothing new may begin, as it was last looked at; undefined where it may. */
  why(): string | undefined
  /** Resolves when jobs may be taken, the first look being over, or with the signal. */
  untilClear(signal: AbortSignal): Promise<void>
}

type WatchCordon = {
  /** @defaultValue this host is never cordoned */
  readonly cordons: Pick<Cordons, 'get'> | undefined
  readonly hosts: Pick<Hosts, 'now'>
  readonly self: Pick<HostStatus, 'name' | 'computer'>
  readonly onDue: () => void
}

export function watchCordon({ cordons, hosts, self, onDue }: WatchCordon): OwnCordon {
  const computer = computerOf(self)
  const waiting = new Set<() => void>()
  let hasLooked = cordons === undefined
  let seen: Cordon | undefined
  const isClear = () => hasLooked && seen === undefined
  return {
    look: async () => {
      if (cordons === undefined) return
      seen = await cordons.get(computer)
      hasLooked = true
      for (const wake of [...waiting]) wake()
      const until = seen?.drain?.until
      if (until !== undefined && (await hosts.now()).getTime() >= Date.parse(until)) onDue()
    },
    why: () => (seen === undefined ? undefined : cordonInWords(seen)),
    untilClear: (signal) =>
      new Promise((resolve) => {
        const wake = () => {
          if (!isClear() && !signal.aborted) return
          waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        waiting.add(wake)
        signal.addEventListener('abort', wake)
        wake()
      }),
  }
}
