import fc from 'fast-check'
import { expect } from 'vitest'
import { createForges } from '../../orchestrator/forges/forges.ts'
import { isRefName, isWholeSha } from '../../orchestrator/forges/git-names.ts'
import { parseBody } from '../../orchestrator/forges/parse-body.ts'
import { type ForgeName, forgeNames } from '../../orchestrator/model/forge-name.ts'
import { fixture } from '../orchestrator/forges/fixture.ts'
import { fuzz } from './fuzz.ts'

const forges = createForges()
const fixtures: Readonly<Record<ForgeName, readonly string[]>> = {
  github: ['gitea-push', 'gitea-pull-request-fork-synchronized'],
  gitea: ['gitea-push', 'gitea-pull-request-fork-synchronized', 'gitea-branch-deleted'],
  gitlab: ['gitlab-push', 'gitlab-tag-push', 'gitlab-merge-request-open', 'gitlab-merge-request-fork-update'],
  bitbucket: ['bitbucket-push', 'bitbucket-pullrequest-created', 'bitbucket-pullrequest-fork'],
  sourcehut: ['sourcehut-post-receive'],
}
const headerNames = [
  ...['x-hub-signature', 'x-hub-signature-256', 'x-gitea-signature', 'x-forgejo-signature', 'x-gitlab-token'],
  ...['webhook-id', 'webhook-timestamp', 'webhook-signature', 'x-payload-signature', 'x-payload-nonce'],
  ...[
    'x-github-event',
    'x-gitlab-event',
    'x-gitea-event',
    'x-event-key',
    'x-webhook-event',
    'x-github-delivery',
  ],
]
const types = [
  'application/json',
  'application/x-www-form-urlencoded',
  'text/plain',
  'Application/JSON; charset=x',
]
const value = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    0,
    -1,
    1e308,
    [],
    {},
    'refs/heads/../x',
    'refs/heads/-x',
    '0'.repeat(40),
    'a\0b',
  ),
  fc.jsonValue({ maxDepth: 2 }),
)

for (const name of forgeNames) {
  const forge = forges[name]
  const texts = fixtures[name].map((file) => JSON.stringify(fixture(file)))
  fuzz({
    target: `deliveries-${name}`,
    cases: fc.record({
      headers: fc.dictionary(fc.constantFrom(...headerNames), fc.string({ maxLength: 80 }), { maxKeys: 5 }),
      type: fc.constantFrom(...types),
      event: fc.oneof(fc.constantFrom(...forge.events), fc.string({ maxLength: 9 })),
      secret: fc.string({ minLength: 1, maxLength: 20 }),
      // A real payload with values put in place of others, or bytes that were never one.
      body: fc.oneof(
        {
          weight: 4,
          arbitrary: fc.record({
            payload: fc.nat(texts.length - 1),
            changes: fc.array(fc.record({ at: fc.nat(), value }), { maxLength: 3 }),
          }),
        },
        { weight: 1, arbitrary: fc.base64String({ maxLength: 80 }) },
        {
          weight: 1,
          arbitrary: fc.jsonValue().map((json) => Buffer.from(JSON.stringify(json)).toString('base64')),
        },
      ),
    }),
    holds({ headers, type, event, secret, body }) {
      const rawBody =
        typeof body === 'string'
          ? Buffer.from(body, 'base64')
          : Buffer.from(changed(texts[body.payload] ?? '{}', body.changes))
      const read = parseBody({ contentType: type, rawBody, forms: forge.forms, depth: 64 })
      forge.identify(headers, rawBody)
      const hidden = `${secret}-never-sent`
      const verdict = forge.verify({ headers, rawBody, secret: hidden, now: new Date() })
      expect(verdict).toEqual(expect.any(String))
      expect(verdict).not.toContain(hidden)
      if (!read.ok) return expect(read.reason).not.toBe('')
      const repository = forge.repositoryName(read.body)
      if (repository !== undefined) expect(repository).toEqual(expect.any(String))
      const readings = forge.read({ event, body: read.body })
      expect(readings.length).toBeGreaterThan(0)
      for (const reading of readings) {
        if (reading.kind !== 'trigger') continue
        const { ref, sha, before, title } = reading.trigger
        expect(isRefName(ref)).toBe(true)
        expect(isWholeSha(sha) || /^[0-9a-f]{12,}$/.test(sha)).toBe(true)
        if (before !== undefined) expect(isWholeSha(before)).toBe(true)
        expect(title.length).toBeLessThanOrEqual(400)
      }
    },
  })
}

/** A payload in which the values at some places are others. */
function changed(text: string, changes: readonly { at: number; value: unknown }[]): string {
  const body = JSON.parse(text)
  for (const { at, value: other } of changes) {
    const places: [Record<string, unknown>, string][] = []
    const visit = (node: unknown) => {
      if (typeof node !== 'object' || node === null) return
      for (const [key, child] of Object.entries(node)) {
        places.push([node as Record<string, unknown>, key])
        visit(child)
      }
    }
    visit(body)
    const place = places[at % Math.max(places.length, 1)]
    if (place !== undefined) place[0][place[1]] = structuredClone(other)
  }
  return JSON.stringify(body)
}
