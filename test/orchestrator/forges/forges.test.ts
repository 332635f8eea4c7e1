import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createForges } from '../../../orchestrator/forges/forges.ts'
import { isRefName, isWholeSha } from '../../../orchestrator/forges/git-names.ts'
import type { ForgeName } from '../../../orchestrator/model/forge-name.ts'
import { forgeNames } from '../../../orchestrator/model/forge-name.ts'
import { fixture } from './fixture.ts'

const forges = createForges()
const fixtures: Readonly<Record<ForgeName, readonly string[]>> = {
  github: ['gitea-push', 'gitea-pull-request-fork-synchronized'],
  gitea: ['gitea-push', 'gitea-pull-request-fork-synchronized'],
  gitlab: ['gitlab-push', 'gitlab-tag-push', 'gitlab-merge-request-open'],
  bitbucket: ['bitbucket-push', 'bitbucket-pullrequest-created'],
  sourcehut: ['sourcehut-post-receive'],
}
const headerNames = [
  'x-hub-signature',
  'x-hub-signature-256',
  'x-gitea-signature',
  'x-forgejo-signature',
  'x-gitlab-token',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
  'x-payload-signature',
  'x-payload-nonce',
  'content-type',
  'x-github-event',
  'x-gitlab-event',
  'x-gitea-event',
  'x-event-key',
  'x-webhook-event',
  'idempotency-key',
]
const headers = fc.dictionary(fc.constantFrom(...headerNames), fc.string({ unit: 'binary' }))

describe('every forge', () => {
  it.each(forgeNames)('%s survives any body, headers and event without throwing or trusting them', (name) => {
    const forge = forges[name]
    const event = fc.oneof(fc.constantFrom(...forge.events), fc.string())
    fc.assert(
      fc.property(
        fc.jsonValue(),
        headers,
        event,
        fc.string({ minLength: 1 }),
        (body, sent, happened, secret) => {
          const rawBody = Buffer.from(JSON.stringify(body))
          forge.identify(sent, rawBody)
          forge.repositoryName(body)
          expect(forge.read({ event: happened, body }).length).toBeGreaterThan(0)
          const verdict = forge.verify({
            headers: sent,
            rawBody,
            secret: `${secret}-never-sent`,
            now: new Date(),
          })
          expect(verdict).toEqual(expect.any(String))
          expect(verdict).not.toContain(`${secret}-never-sent`)
        },
      ),
      { numRuns: 300 },
    )
  })

  it.each(forgeNames)(
    '%s gives only refs and hashes that are fit for git, whatever a payload holds in place of a value',
    (name) => {
      const forge = forges[name]
      const bodies = fixtures[name].map(fixture)
      fc.assert(
        fc.property(
          fc.constantFrom(...bodies),
          fc.constantFrom(...forge.events),
          fc.nat(),
          fc.jsonValue(),
          (body, event, at, value) => {
            for (const reading of forge.read({ event, body: withOneReplaced(body, at, value) })) {
              if (reading.kind !== 'trigger') continue
              expect(isRefName(reading.trigger.ref)).toBe(true)
              expect(isWholeSha(reading.trigger.sha) || /^[0-9a-f]{12,}$/.test(reading.trigger.sha)).toBe(
                true,
              )
              if (reading.trigger.before !== undefined) expect(isWholeSha(reading.trigger.before)).toBe(true)
              expect(reading.trigger.title.length).toBeLessThanOrEqual(400)
            }
          },
        ),
        { numRuns: 500 },
      )
    },
  )
})

/** A copy in which the leaf at some place is another value. */
function withOneReplaced(body: unknown, at: number, value: unknown): unknown {
  const leaves: [Record<string, unknown>, string][] = []
  const copy = structuredClone(body)
  const visit = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, child] of Object.entries(node)) {
      leaves.push([node as Record<string, unknown>, key])
      visit(child)
    }
  }
  visit(copy)
  const place = leaves[at % leaves.length]
  if (place !== undefined) place[0][place[1]] = value
  return copy
}
