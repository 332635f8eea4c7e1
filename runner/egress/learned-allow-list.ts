import type { EgressRecord } from './egress-record.ts'

const usualPorts = [80, 443]

/** The allow-list that would have let a job reach just what it reached: patterns of hosts, sorted. */
export function learnedAllowList(records: readonly EgressRecord[]): string[] {
  const reached = records.filter((record) => wasReached(record) && /^[a-z0-9]/i.test(record.host))
  const patterns = reached.map(({ host, port }) => (usualPorts.includes(port) ? host : `${host}:${port}`))
  return [...new Set(patterns)].sort()
}

// One that was refused may have been reached before, in a step that had a network.
function wasReached({ refused, bytesSent, bytesReceived }: EgressRecord): boolean {
  return refused === undefined || bytesSent + bytesReceived > 0
}
