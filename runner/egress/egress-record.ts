import type { Target } from './egress-policy.ts'

/** What a job did with one host and port. Bytes are of bodies and tunnels, headers not counted. */
export type EgressRecord = {
  readonly host: string
  readonly port: number
  requests: number
  bytesSent: number
  bytesReceived: number
  /** Why requests to it were refused, the last time; undefined where none was. */
  refused: string | undefined
  /** In audit mode: the allow-list would have refused it. */
  outsideAllowList: boolean
}

/** A guest can ask for any number of names; what is beyond this many is summed up under one. */
const mostHosts = 1000
const otherHosts = '(other hosts)'

export type EgressRecords = {
  /** The record of a host and port, made where there is none. */
  of(target: Target): EgressRecord
  /** Copies, the busiest first. */
  list(): EgressRecord[]
}

export function createEgressRecords(): EgressRecords {
  const records = new Map<string, EgressRecord>()
  const make = (key: string, { host, port }: Target): EgressRecord => {
    const record = {
      host,
      port,
      requests: 0,
      bytesSent: 0,
      bytesReceived: 0,
      refused: undefined,
      outsideAllowList: false,
    }
    records.set(key, record)
    return record
  }
  return {
    of(target) {
      const known = records.get(`${target.host}:${target.port}`)
      if (known !== undefined) return known
      if (records.size < mostHosts) return make(`${target.host}:${target.port}`, target)
      return records.get(otherHosts) ?? make(otherHosts, { host: otherHosts, port: 0 })
    },
    list: () =>
      [...records.values()]
        .map((record) => ({ ...record }))
        .sort(
          (a, b) => b.bytesSent + b.bytesReceived - a.bytesSent - a.bytesReceived || b.requests - a.requests,
        ),
  }
}
