import type { HostDebug } from '../../config/host/host-config.ts'
import type { JobRecord } from '../../runner/job/job-record.ts'
import { unscrubbable } from '../../runner/scrub/scrub-needles.ts'
import { isForkBuild } from '../builds/fork-policy.ts'
import { shouldRetry } from '../builds/retry-policy.ts'
import type { Build, BuildJob } from '../model/build.ts'
import type { OptIn } from './opt-ins.ts'

type DecideHold = {
  readonly debug: HostDebug | undefined
  readonly build: Pick<Build, 'trigger'>
  readonly job: BuildJob
  readonly optIn: OptIn | undefined
  readonly record: Pick<JobRecord, 'verdict' | 'failure'>
  readonly secrets: Readonly<Record<string, string>>
}

/** `ms`: for how long. `why` is undefined where nobody asked. */
export type HoldDecision =
  | { readonly kind: 'hold' | 'park'; readonly ms: number }
  | { readonly kind: 'none'; readonly why: string | undefined }

/**
 * Whether the machine of a job that has its verdict is kept: only where the pipeline file or its retry asks for it and
 * somebody with the scope `debug` has allowed it for the repository or that retry, and never for code from a fork.
 */
export function decideHold({ debug, build, job, optIn, record, secrets }: DecideHold): HoldDecision {
  const { on: said, how, hold } = job.job.debug
  const on = said === 'never' && job.debug !== undefined ? 'failure' : said
  const isAsked = on === 'always' ? record.verdict !== 'cancelled' : on === 'failure' && isFailure(record)
  // The next attempt comes by itself.
  const { verdict, failure } = record
  const isTriedAgain = verdict === 'errored' && shouldRetry({ ...job, state: verdict, failure })
  if (!isAsked || isTriedAgain) return { kind: 'none', why: undefined }
  const refused = (why: string): HoldDecision => ({ kind: 'none', why })
  if (isForkBuild(build.trigger)) return refused('it is code from a fork')
  if (debug === undefined) return refused('the host file of its host has no `debug:`')
  if (optIn === undefined)
    return refused('nobody with the scope `debug` has allowed it: mayfly repos debug REPOSITORY --key FILE')
  const short = unscrubbable(secrets)
  if (short.length > 0)
    return refused(`too short to be removed from the machine for certain: secret ${short.join(', ')}`)
  return { kind: how, ms: Math.min(hold, debug.longest) }
}

function isFailure({ verdict }: Pick<JobRecord, 'verdict'>): boolean {
  return verdict === 'failed' || verdict === 'timed-out' || verdict === 'errored'
}
