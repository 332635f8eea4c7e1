import { formatDuration } from '../../config/duration.ts'
import { formatSize } from '../../config/size.ts'
import type { HostStatus, WaitingJob } from '../model/queue-view.ts'
import { Layout } from './layout.tsx'
import { When } from './parts/when.tsx'

type QueuePage = { waiting: readonly WaitingJob[]; hosts: readonly HostStatus[] }

/** Who waits and why, and what each host has and does. */
export function QueuePage({ waiting, hosts }: QueuePage) {
  return (
    <Layout title="Queue and hosts" live>
      <h1>Queue and hosts</h1>
      <h2>Hosts</h2>
      {hosts.length === 0 ? <p>No host has been heard of.</p> : null}
      <ul class="hosts">
        {hosts.map(({ name, cpus, memory, running, heard, stale }) => (
          <li>
            <strong>{name}</strong> {stale ? <span class="state state-errored">! silent</span> : null}{' '}
            {cpus.taken} of {cpus.total} cpus, {formatSize(memory.taken)} of {formatSize(memory.total)} taken,{' '}
            {running.length} running, heard of <When date={heard} />
            <ul>
              {running.map((id) => (
                <li>
                  <a href={`/jobs/${id}`}>{id}</a>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
      <h2>Waiting</h2>
      {waiting.length === 0 ? <p>Nothing waits.</p> : <WaitingTable waiting={waiting} />}
    </Layout>
  )
}

function WaitingTable({ waiting }: { waiting: readonly WaitingJob[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Position</th>
          <th scope="col">Job</th>
          <th scope="col">Repository</th>
          <th scope="col">Why</th>
          <th scope="col">Likely in</th>
        </tr>
      </thead>
      <tbody>
        {waiting.map(({ position, job, name, repository, reason, estimate }) => (
          <tr>
            <td>{position}</td>
            <td>
              <a href={`/jobs/${job}`}>{name}</a>
            </td>
            <td>{repository}</td>
            <td>{reason}</td>
            <td>{estimate === undefined ? 'not known' : formatDuration(estimate)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
