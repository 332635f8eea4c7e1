import { createHmac } from 'node:crypto'
import { sameText } from './same-text.ts'

/** Checks a hex HMAC-SHA256 over the bytes as they came; the reason names the header that it was expected in. */
export function verifyHexHmac(options: {
  header: string
  /** The header's value. */
  value: string | undefined
  /** What stands before the hex digits, such as `sha256=`. */
  prefix: string
  rawBody: Buffer
  secret: string
}): true | string {
  const { header, value, prefix, rawBody, secret } = options
  if (value === undefined) return `no signature: expected the header ${header}`
  const expected = prefix + createHmac('sha256', secret).update(rawBody).digest('hex')
  return (
    sameText(value.trim().toLowerCase(), expected) ||
    `wrong signature in ${header}: it was not made with this repository's secret over this body`
  )
}
