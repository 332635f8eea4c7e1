import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Scope } from '../../runner/scope.ts'
import type { Archive } from '../archive/archive.ts'
import { archivedStore } from '../archive/archived-store.ts'
import { createIndexGuard, type IndexGuard } from '../archive/index-guard.ts'
import { createKeepRegister } from '../archive/keep-register.ts'
import { keepingAfter } from '../archive/keeping-after.ts'
import { wholeStore } from '../archive/whole-index.ts'
import type { KeptJobs } from '../holds/kept-jobs.ts'
import type { Hosts } from '../hosts/hosts.ts'
import type { Store } from '../model/store.ts'
import { createRedisStore } from '../store/redis-store.ts'

type Parts = {
  readonly redis: Redis
  readonly prefix: string
  readonly archive: Archive
  readonly hosts: Hosts
  readonly kept: KeptJobs
  readonly now: () => Date
  readonly log: Logger
  readonly scope: Scope
}

export type OpenIndex = {
  readonly store: Store
  readonly guard: IndexGuard
  /** Keeps repositories, secrets, tokens and opt-ins in the archive; to be called after each change of one. */
  readonly keepRegister: () => Promise<void>
  /** Whether it was made anew just now. */
  readonly isNew: boolean
  /** What is to be done when the index was made anew while the server ran; one only. */
  readonly onRebuilt: (work: () => Promise<void>) => void
}

/** ms between two looks whether what people set up was changed by another process. */
const registerMs = 60_000

/** The store with all that keeps it whole: what is written is archived, and what Redis loses comes back from there. */
export async function openIndex(parts: Parts): Promise<OpenIndex> {
  const { redis, prefix, archive, log, now, scope } = parts
  const plain = createRedisStore({ redis, prefix })
  let rebuilt: () => Promise<void> = async () => undefined
  let isNew = false
  const onRebuilt = async () => {
    isNew = true
    await rebuilt()
  }
  const guard = createIndexGuard({ ...parts, store: plain, onRebuilt })
  await guard.ensure()
  const watching = guard.watch()
  await scope.defer('watch over the index', () => watching.close())
  const keepRegister = createKeepRegister({ redis, prefix, archive, log })
  await keepRegister()
  const keeping = setInterval(() => void keepRegister(), registerMs)
  await scope.defer('keeping of the register', () => clearInterval(keeping))
  const store = wholeStore(archivedStore({ store: plain, archive, now, log }), guard)
  return {
    store: { ...store, repositories: keepingAfter(store.repositories, ['put', 'remove'], keepRegister) },
    guard,
    keepRegister,
    isNew,
    onRebuilt: (work) => {
      rebuilt = work
    },
  }
}
