import { formatDuration } from '../../config/duration.ts'
import type { HostStatus, WaitingJob } from '../model/queue-view.ts'
import { Layout } from './layout.tsx'
import { HostEntry } from './parts/host-entry.tsx'

type QueuePage = {
  waiting: readonly WaitingJob[]
  hosts: readonly HostStatus[]
  mayAct: boolean
}

/** Who waits and why, and what each host has and does. */
export function QueuePage({ waiting, hosts, mayAct }: QueuePage) {
  return (
    <Layout title="Queue and hosts" live>
      <h1>Queue and hosts</h1>
      <h2>Hosts</h2>
      {hosts.length === 0 ? <p>No host has been heard of.</p> : null}
      <ul class="hosts">
        {hosts.map((host) => (
          <HostEntry host={host} mayAct={mayAct} />
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
