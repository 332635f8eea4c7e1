import type { ForgeName } from './forge-name.ts'

/** One webhook call as it arrived, with the verdict on it. */
export type Delivery = {
  /** ULID in lower case. */
  readonly id: string
  readonly forge: ForgeName
  /** The forge's own id of it, by which a second arrival is known. */
  readonly forgeId: string
  readonly event: string
  readonly received: string
  /** `forge:owner/name`, once the body was read. */
  readonly repository: string | undefined
  /** Without Authorization, cookies, tokens and signatures. */
  readonly headers: Readonly<Record<string, string>>
  /** bytes */
  readonly size: number
  readonly verdict: DeliveryVerdict
  /** Why, in order: each rule that was looked at and what it said. */
  readonly reasons: readonly string[]
  readonly builds: readonly string[]
  /** Set where this is another delivery's replay. */
  readonly replayOf: string | undefined
}

/**
 * `accepted` and not yet worked on, `built`, `ignored` with a reason, `duplicate`, `refused` (signature, size,
 * not registered), `failed` where our work on it failed.
 */
export type DeliveryVerdict = 'accepted' | 'built' | 'ignored' | 'duplicate' | 'refused' | 'failed'

/**
 * Whether another one with the same id of the forge is its duplicate. A replay repeats on purpose; and a forged call must
 * not make the forge's own, later one look like a duplicate.
 */
export function canRepeat({ verdict, forgeId, replayOf }: Delivery): boolean {
  return verdict !== 'refused' && replayOf === undefined && forgeId !== ''
}
