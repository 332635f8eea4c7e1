import { formatSize } from '../../../config/size.ts'
import { computerOf } from '../../hosts/computer-of.ts'
import { cordonInWords } from '../../hosts/cordon-in-words.ts'
import type { HostStatus } from '../../model/queue-view.ts'
import { Action } from '../build-page.tsx'
import { HostFacts } from './host-facts.tsx'
import { When } from './when.tsx'

/** One host: what it has, what runs there, and what keeps jobs from it. */
export function HostEntry({ host, mayAct }: { host: HostStatus; mayAct: boolean }) {
  const { name, cpus, memory, running, heard, stale, awayUntil, pressure, cordon } = host
  return (
    <li>
      <strong>{name}</strong> {stale ? <span class="state state-errored">! silent</span> : null} {cpus.taken}{' '}
      of {cpus.total} cpus, {formatSize(memory.taken)} of {formatSize(memory.total)} taken, {running.length}{' '}
      running, heard of <When date={heard} />
      {awayUntil === undefined || stale ? null : (
        <p>
          Its server is being restarted; its jobs go on without it until <When date={awayUntil} />
        </p>
      )}
      {pressure === undefined ? null : <p class="state state-errored">! takes no jobs for now: {pressure}</p>}
      {cordon === undefined ? null : (
        <p class="state state-errored">
          ! takes no jobs: {cordonInWords(cordon)}, <When date={cordon.at} />
          {running.length === 0 ? '; nothing runs there' : ''}
        </p>
      )}
      {mayAct ? <HostActions host={host} /> : null}
      <HostFacts host={host} />
      <ul>
        {running.map((id) => (
          <li>
            <a href={`/jobs/${id}`}>{id}</a>
          </li>
        ))}
      </ul>
    </li>
  )
}

function HostActions({ host }: { host: HostStatus }) {
  const { name, cordon, stale } = host
  const path = `/hosts/${encodeURIComponent(computerOf(host))}`
  return (
    <div class="actions">
      {cordon === undefined ? (
        <Action path={`${path}/cordon`} name="Cordon" />
      ) : (
        <Action path={`${path}/uncordon`} name="Take jobs again" />
      )}
      {cordon?.drain === undefined ? <Action path={`${path}/drain`} name="Drain" /> : null}
      {stale ? <Action path={`/hosts/${encodeURIComponent(name)}/remove`} name="Remove" /> : null}
    </div>
  )
}
