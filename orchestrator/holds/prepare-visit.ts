import type { Logger } from 'pino'
import type { Admit } from '../../runner/job/job-order.ts'
import { isForkBuild } from '../builds/fork-policy.ts'
import { aboutJob } from '../logs/about-job.ts'
import type { Build, BuildJob } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import type { DebugParts } from './open-debug.ts'

type PrepareVisit = {
  readonly debug: DebugParts | undefined
  readonly store: Pick<Store, 'jobs'>
  readonly build: Pick<Build, 'trigger'>
  readonly job: BuildJob
  readonly log: Logger
}

/**
 * Opens a job to its maintainers while its steps run: only where its pipeline file says `on: always`, somebody with the
 * scope `debug` has allowed it for the repository or this retry, and it is not code from a fork. Undefined elsewhere.
 */
export async function prepareVisit({
  debug,
  store,
  build,
  job,
  log,
}: PrepareVisit): Promise<Admit | undefined> {
  if (debug === undefined || job.job.debug.on !== 'always' || isForkBuild(build.trigger)) return undefined
  const optIn = job.debug?.optIn ?? (await debug.optIns.get(job.repository))
  if (optIn === undefined) return undefined
  const { visits, gateway } = debug
  return (running) => {
    const leave = visits.open(job, running)
    running.remark(
      `maintainers may come in beside the steps: ssh -p ${gateway.port} ${job.id}@${gateway.host}`,
    )
    store.jobs
      .change(job.id, ['claimed', 'running'], { visit: gateway }, job.claim)
      .catch((err: unknown) => aboutJob(log, job).warn({ err }, 'the way into a running job was not written'))
    return leave
  }
}
