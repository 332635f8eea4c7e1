import { expect, it } from 'vitest'
import { refuseByPolicy } from '../../../runner/egress/egress-policy.ts'
import { createEgressRecords, type EgressRecord } from '../../../runner/egress/egress-record.ts'
import { learnedAllowList } from '../../../runner/egress/learned-allow-list.ts'

function recordOf(host: string, port: number, rest: Partial<EgressRecord> = {}): EgressRecord {
  return { ...createEgressRecords().of({ host, port }), requests: 1, ...rest }
}

it('names each host that was reached once, with a port that is not open anyway', () => {
  const records = [
    recordOf('deb.example.org', 80, { outsideAllowList: true }),
    recordOf('deb.example.org', 443),
    recordOf('git.example.org', 9418),
    recordOf('later.example.org', 443, { refused: 'this step has no network', bytesReceived: 9 }),
  ]
  const allow = learnedAllowList(records)
  expect(allow).toEqual(['deb.example.org', 'git.example.org:9418', 'later.example.org'])
  for (const { host, port } of records)
    expect(refuseByPolicy({ allow, audit: false }, { host, port })).toBeUndefined()
})

it('leaves out what was refused, what is summed up, and IPv6 addresses, for which there are no patterns', () => {
  expect(
    learnedAllowList([
      recordOf('10.0.0.1', 80, { refused: '10.0.0.1 is a private address' }),
      recordOf('(other hosts)', 0),
      recordOf('[2001:db8::1]', 443),
    ]),
  ).toEqual([])
})
