import { createHmac } from 'node:crypto'
import type { SignedDelivery } from '../forge.ts'
import { sameText } from '../same-text.ts'

/** Seconds that a signed delivery may be away from our clock. */
const tolerance = 300

/**
 * A secret that begins with `whsec_` is GitLab's signing token and asks for its signature, which the plain token
 * cannot replace; any other is the secret token, which comes with each delivery as it is.
 * @see https://www.standardwebhooks.com, https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944
 */
export function verifyGitlab(delivery: SignedDelivery): true | string {
  const { headers, secret } = delivery
  if (secret.startsWith('whsec_')) return verifySignature(delivery)
  const token = headers['x-gitlab-token']
  if (token === undefined) return 'no token: expected the header X-Gitlab-Token'
  return sameText(token, secret) || "wrong token in X-Gitlab-Token: it is not this repository's secret"
}

function verifySignature({ headers, rawBody, secret, now }: SignedDelivery): true | string {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  const signatures = headers['webhook-signature']
  if (id === undefined || timestamp === undefined || signatures === undefined)
    return 'no signature: expected the headers webhook-id, webhook-timestamp and webhook-signature'
  const seconds = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : Number.NaN
  const age = Math.abs(now.getTime() / 1000 - seconds)
  if (!(age <= tolerance))
    return `expected a webhook-timestamp within ${tolerance} s of our clock, got ${age} s away`
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  if (key.length === 0) return 'the secret has no key after whsec_: expected base64'
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(rawBody).digest('base64')
  // Several signatures stand side by side while a key is changed; each is compared, whichever fits.
  const fits = signatures.split(' ').filter((signature) => sameText(signature, `v1,${mac}`))
  return (
    fits.length > 0 || "wrong webhook-signature: it was not made with this repository's key over this body"
  )
}
