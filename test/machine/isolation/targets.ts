/** One thing for the probe to try, see `probe.py`. */
export type Target = {
  readonly kind: 'tcp' | 'udp' | 'dns' | 'name' | 'icmp' | 'banner' | 'get' | 'connect'
  readonly to: string
  readonly port?: number
  readonly proxy?: number
  readonly path?: string
  readonly name?: string
}

/** What SLIRP, slirp4netns and the host itself call the host. */
const hosts = [
  '10.0.2.2',
  '198.18.0.2',
  '198.18.1.2',
  '192.168.77.1',
  '203.0.114.1',
  '10.0.2.4',
  '::ffff:192.168.77.1',
]
const lan = ['192.168.77.2', '169.254.169.254', '::ffff:169.254.169.254']
/** Where SLIRP and slirp4netns take questions for the resolver of the host; nothing else is there. */
const relays = ['10.0.2.3', '198.18.0.3', '198.18.1.3']
const ipv6 = ['fec0::2', 'fd77::1', 'fd77::2', '64:ff9b::c0a8:4d02', '2002:c0a8:4d02::1']

/** Everything that a guest can try with its card. `sshPort` is where another machine's SSH is on the host's loopback. */
export function cardTargets(sshPort: number): Target[] {
  const all = [...hosts, ...lan, ...ipv6]
  return [
    ...all.map((to) => ({ kind: 'tcp' as const, to, port: 7001 })),
    ...[...all, '255.255.255.255', '192.168.77.255'].map((to) => ({ kind: 'udp' as const, to, port: 7002 })),
    ...all.map((to) => ({ kind: 'dns' as const, to, name: 'direct.test' })),
    ...relays.map((to) => ({ kind: 'dns' as const, to, name: 'public.test' })),
    ...relays.map((to) => ({ kind: 'tcp' as const, to, port: 7001 })),
    ...['192.168.77.1', '203.0.114.1', ...lan.slice(0, 2), 'fd77::1', 'fd77::2'].map((to) => ({
      kind: 'icmp' as const,
      to,
    })),
    ...['10.0.2.2', '198.18.0.2', '198.18.0.100', '198.18.1.2'].map((to) => ({
      kind: 'banner' as const,
      to,
      port: sshPort,
    })),
    { kind: 'name', to: 'lan.test' },
    ...publicTargets,
  ]
}

/** What every machine that is let out has to reach, or the others that it does not reach say nothing. */
export const publicTargets: readonly Target[] = [
  { kind: 'tcp', to: '203.0.113.7', port: 7001 },
  { kind: 'udp', to: '203.0.113.7', port: 7002 },
  { kind: 'name', to: 'public.test' },
]

/** One address of the host's loopback after the other, as clients and servers have been fooled with. */
const loopbacks = [
  ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '0x7f.1', '127.0.0.1.', '017700000001'],
  ...[
    'localhost',
    'localhost.',
    'LOCALHOST',
    '127.0.0.2',
    '0.0.0.0',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
  ],
  ...['[::ffff:7f00:1]', '[0:0:0:0:0:ffff:127.0.0.1]', '[::127.0.0.1]', '%31%32%37.0.0.1', '127。0。0。1'],
  ...[
    'public.test@127.0.0.1',
    '127.0.0.1#@public.test',
    '127.0.0.1?@public.test',
    '127.0.0.1%00.public.test',
  ],
]
const others = [
  ...[
    '192.168.77.1',
    '192.168.77.2',
    '3232255234',
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '203.0.114.1',
  ],
  ...['[fd77::1]', '[fd77::2]', '[::ffff:192.168.77.2]', '[::ffff:a9fe:a9fe]', '[64:ff9b::c0a8:4d02]'],
  ...[
    '[2002:c0a8:4d02::1]',
    '[fe80::1%25lan0]',
    'loop.test',
    'lan.test',
    'meta.test',
    'own.test',
    'lan.test.',
  ],
]

/** Everything that a guest can ask of a proxy on its port `proxy`. */
export function proxyTargets(proxy: number, sshPort: number): Target[] {
  return [
    ...[...loopbacks, ...others].flatMap((to) => [
      { kind: 'get' as const, to, proxy },
      { kind: 'connect' as const, to, proxy },
    ]),
    { kind: 'connect', to: '127.0.0.1', port: sshPort, proxy },
    { kind: 'connect', to: '[::ffff:127.0.0.1]', port: 7001, proxy },
    { kind: 'get', to: 'public.test', path: '/redirect', proxy },
    ...Array.from({ length: 4 }, () => ({ kind: 'get' as const, to: 'rebind.test', proxy })),
    ...Array.from({ length: 4 }, () => ({ kind: 'connect' as const, to: 'rebind.test', proxy })),
    { kind: 'get', to: 'public.test', proxy },
    { kind: 'connect', to: 'public.test', proxy },
  ]
}
