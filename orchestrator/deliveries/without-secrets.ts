import type { WebhookHeaders } from '../forges/forge.ts'

const secretive = /authorization|cookie|token|secret|signature|password|api-?key|credential|x-payload-nonce/i
const mostHeaders = 64
const longestValue = 1024

/** A delivery's headers as they may be kept: without what proves who sent it, and bounded. */
export function withoutSecrets(headers: WebhookHeaders): Record<string, string> {
  const kept: [string, string][] = []
  for (const [name, value] of Object.entries(headers)) {
    if (kept.length === mostHeaders) break
    if (value !== undefined && !secretive.test(name)) kept.push([name, value.slice(0, longestValue)])
  }
  return Object.fromEntries(kept)
}
