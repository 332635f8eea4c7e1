import { expect, it } from 'vitest'
import { gatewayAddresses } from '../../../orchestrator/terminal/gateway-addresses.ts'

const kept = (host: string, address: string) => ({
  ...{ state: 'held' as const, host, until: '2026-01-02T03:34:05.000Z' },
  gateway: { host: address, port: 2222, hostKey: 'ssh-ed25519 AAAA' },
})

it.each([
  ['a name that leads there from outside', 'web-17', 'ci.example.org', ['127.0.0.1', 'ci.example.org']],
  ['all addresses', 'web-17', '0.0.0.0', ['127.0.0.1']],
  ['all addresses of IPv6', 'web-17', '::', ['::1', '127.0.0.1']],
  ['loopback', 'web-17', '127.0.0.1', ['127.0.0.1']],
  ['one address of its host alone', 'web-17', '10.0.0.5', ['127.0.0.1', '10.0.0.5']],
])(
  'is tried on loopback first on the same host, where it listens on %s',
  (_what, host, address, expected) => {
    expect(gatewayAddresses(kept(host, address), 'web')).toEqual(expected)
  },
)

it('is where it says on another host, and nowhere where it says no place', () => {
  expect(gatewayAddresses(kept('worker-17', 'worker.example.org'), 'web')).toEqual(['worker.example.org'])
  expect(gatewayAddresses(kept('web-2-17', '10.0.0.5'), 'web')).toEqual(['10.0.0.5'])
  expect(gatewayAddresses(kept('worker-17', '0.0.0.0'), 'web')).toEqual([])
})
