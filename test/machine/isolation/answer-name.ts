const addresses: Readonly<Record<string, readonly string[]>> = {
  'public.test': ['203.0.113.7'],
  'loop.test': ['127.0.0.1'],
  'lan.test': ['192.168.77.2'],
  'meta.test': ['169.254.169.254'],
  'own.test': ['203.0.114.1'],
  // Public the first time it is asked for, and every other time from then on.
  'rebind.test': ['203.0.113.7', '127.0.0.1'],
  'direct.test': ['203.0.113.7'],
}

const asked = new Map<string, number>()

/** Answers a DNS question (RFC 1035, 4.1) for one of the names above; every other has no address, and none has IPv6. */
export function answerName(question: Buffer): { name: string; answer: Buffer } {
  const labels: string[] = []
  let at = 12
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const name = labels.join('.').toLowerCase()
  const isIpv4 = question.readUInt16BE(at + 1) === 1
  const known = addresses[name]
  const count = asked.get(name) ?? 0
  if (isIpv4) asked.set(name, count + 1)
  const address = isIpv4 ? known?.[count % known.length] : undefined
  const head = Buffer.from(question.subarray(0, 12))
  head.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2)
  head.writeUInt16BE(address === undefined ? 0 : 1, 6)
  head.fill(0, 8)
  const record = Buffer.from([
    0xc0,
    12,
    0,
    1,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
    4,
    ...(address ?? '').split('.').map(Number),
  ])
  const asking = question.subarray(12, at + 5)
  return { name, answer: Buffer.concat([head, asking, ...(address === undefined ? [] : [record])]) }
}
