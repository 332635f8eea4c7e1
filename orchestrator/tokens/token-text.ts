import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/*
 * mfy_<43: base64url of 32 random bytes><6: base64url of the first 4 bytes of SHA-256 of what is before it>
 *
 * The prefix lets scanners find leaked tokens, the checksum tells a mistyped one without asking Redis.
 */
const form = /^mfy_[A-Za-z0-9_-]{43}[A-Za-z0-9_-]{6}$/
const checksumLength = 6

export function newTokenText(): string {
  const body = `mfy_${randomBytes(32).toString('base64url')}`
  return `${body}${checksum(body)}`
}

/** Whether a text has the form of a token and no typing error. */
export function isTokenText(text: string): boolean {
  if (!form.test(text)) return false
  const given = Buffer.from(text.slice(-checksumLength))
  return timingSafeEqual(given, Buffer.from(checksum(text.slice(0, -checksumLength))))
}

/** What is kept of a token. 256 random bits need no slow hash: there is nothing to guess. */
export function hashToken(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function checksum(body: string): string {
  return createHash('sha256').update(body).digest().subarray(0, 4).toString('base64url')
}
