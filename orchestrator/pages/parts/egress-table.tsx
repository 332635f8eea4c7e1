import { formatSize } from '../../../config/size.ts'
import type { EgressRecord } from '../../../runner/egress/egress-record.ts'
import type { JobTimeline } from '../read-timeline.ts'
import { visibleText } from '../visible-text.ts'

/** Hosts shown at once; the record has them all. */
const most = 100

/**
 * What the job reached over its proxy, the busiest first, and the allow-list for that where a policy is being learned;
 * of one without a proxy how much went out and came in.
 */
export function EgressTable({
  timeline: { egress, learned, machine, use },
}: {
  timeline: Pick<JobTimeline, 'egress' | 'learned' | 'machine' | 'use'>
}) {
  if (machine?.network === 'internet') return <OwnTraffic use={use} />
  if (egress.length === 0) return null
  const refused = egress.filter((record) => record.refused !== undefined).length
  return (
    <details id="egress">
      <summary>
        Network: {egress.length} hosts{refused === 0 ? '' : `, ${refused} refused`}
      </summary>
      <table>
        <thead>
          <tr>
            <th>Host</th>
            <th>Requests</th>
            <th>Sent</th>
            <th>Received</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {egress.slice(0, most).map((record) => (
            <tr>
              <td>
                {visibleText(record.host)}:{record.port}
              </td>
              <td>{record.requests}</td>
              <td>{formatSize(record.bytesSent)}</td>
              <td>{formatSize(record.bytesReceived)}</td>
              <td>{remark(record)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {egress.length > most ? <p class="dim">{egress.length - most} more are in the record</p> : null}
      {learned === undefined ? null : (
        <>
          <p>The allow-list that this job needs, for `network` in the settings of its repository:</p>
          <pre id="allow-list">{allowListText(learned)}</pre>
        </>
      )}
    </details>
  )
}

function OwnTraffic({ use }: Pick<JobTimeline, 'use'>) {
  const { netSent, netReceived } = use ?? {}
  if (netSent === undefined || netReceived === undefined) return null
  return (
    <p id="egress">
      Network: {formatSize(netSent)} sent, {formatSize(netReceived)} received.{' '}
      <span class="dim">To and from whom is not known: network internet has no proxy.</span>
    </p>
  )
}

function remark({ refused, outsideAllowList }: EgressRecord): string {
  if (refused !== undefined) return `refused: ${visibleText(refused)}`
  return outsideAllowList ? 'not on the allow-list' : ''
}

function allowListText(learned: readonly string[]): string {
  return learned.length === 0
    ? 'allow: []'
    : ['allow:', ...learned.map((host) => `  - ${JSON.stringify(host)}`)].join('\n')
}
