/** RFC 9110, 7.6.1 and its predecessors: these concern one connection only. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/**
 * The headers of a message that go on to the next hop, in their order, as a flat list of names and values. Those
 * that its Connection header names stay behind too; none is added, so a job is not told on.
 */
export function forwardedHeaders(rawHeaders: readonly string[]): string[] {
  const pairs = inPairs(rawHeaders)
  const named = pairs
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.toLowerCase().split(','))
  const dropped = new Set([...hopByHop, ...named.map((name) => name.trim())])
  // Without their length, two messages on one connection could be told apart differently here and there.
  dropped.delete('content-length')
  dropped.delete('host')
  return pairs.filter(([name]) => !dropped.has(name.toLowerCase())).flat()
}

/** The same with the Host that the request's URL names (RFC 9112, 3.2.2), first as clients send it. */
export function withHost(headers: readonly string[], host: string): string[] {
  return [
    'Host',
    host,
    ...inPairs(headers)
      .filter(([name]) => name.toLowerCase() !== 'host')
      .flat(),
  ]
}

function inPairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [
    flat[index * 2] as string,
    flat[index * 2 + 1] as string,
  ])
}
