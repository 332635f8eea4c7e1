import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../../client/api-client.ts'
import { endStates } from '../../model/build.ts'
import type { StatusLine } from '../view/status-line.ts'
import { followLog } from './follow-log.ts'
import type { ShownBuild } from './print-build.ts'

type FollowBuild = {
  readonly client: ApiClient
  readonly id: string
  readonly signal: AbortSignal
  readonly write: (text: string) => void
  /** Says what is waited for. */
  readonly status: StatusLine
}

type Job = ShownBuild['jobs'][number]

const pollMs = 300

/**
 * Follows the logs of a build's jobs one after the other, retries included, and gives the build when it has ended;
 * or as it is then, when the signal is aborted.
 */
export async function followBuild({ client, id, signal, write, status }: FollowBuild): Promise<ShownBuild> {
  const shown = new Set<string>()
  let waiting = ''
  const attemptOf = ({ id: job, attempt }: Job) => `${job}#${attempt}`
  for (;;) {
    const build = await client.get<ShownBuild>(`/builds/${encodeURIComponent(id)}`)
    if (signal.aborted) return build
    const next = build.jobs.find((job) => hasLog(job) && !shown.has(attemptOf(job)))
    if (next === undefined) {
      if (isOver(build.state)) {
        status.hide()
        return build
      }
      // Said once, for saying it anew starts its clock anew.
      if (waiting !== waitingFor(build)) status.show(waitingFor(build))
      waiting = waitingFor(build)
      await sleep(pollMs, undefined, { signal }).catch(() => undefined)
      continue
    }
    shown.add(attemptOf(next))
    if (build.jobs.length > 1) write(`${shown.size === 1 ? '' : '\n'}job ${next.name}\n`)
    status.show(`${next.name}: booting a fresh machine`)
    await followLog({
      ...{ client, job: next.id, signal },
      write: (text) => {
        status.hide()
        write(text)
      },
    })
    status.hide()
  }
}

/** One that was never taken by a host has none, and never will have one where it is over. */
function hasLog({ state, started, host }: Job): boolean {
  return state === 'claimed' || state === 'running' || (isOver(state) && (started ?? host) !== undefined)
}

function isOver(state: string): boolean {
  return (endStates as readonly string[]).includes(state)
}

function waitingFor({ state, jobs }: ShownBuild): string {
  const waiting = jobs.find((job) => !isOver(job.state) && job.waiting !== undefined)
  if (waiting !== undefined) return `${waiting.name} waits: ${waiting.waiting}`
  if (state === 'waiting') return 'waiting for approval'
  return jobs.every((job) => isOver(job.state)) ? 'waiting for the verdict' : 'waiting for a host'
}
