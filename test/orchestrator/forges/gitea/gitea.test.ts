import { describe, expect, it } from 'vitest'
import { gitea } from '../../../../orchestrator/forges/gitea/gitea.ts'
import { fixture } from '../fixture.ts'
import { onlyReason, onlyTrigger } from '../reading.ts'

const read = (name: string, event: string) => gitea.read({ event, body: fixture(name) })

describe('gitea', () => {
  it('reads a push', () => {
    expect(gitea.repositoryName(fixture('gitea-push'))).toBe('gitea/webhooks')
    expect(onlyTrigger(read('gitea-push', 'push'))).toMatchObject({
      event: 'push',
      sha: 'bffeb74224043ba2feb48d137756c8a9331c449a',
      before: '28e1879d029cb852e4844d9c718537df08844e03',
      branch: 'develop',
      title: 'Webhooks Yay!',
      actor: 'gitea',
    })
    expect(onlyReason(read('gitea-branch-deleted', 'push'))).toBe('refs/heads/develop was deleted')
  })

  it("reads new commits of a fork's pull request", () => {
    expect(onlyTrigger(read('gitea-pull-request-fork-synchronized', 'pull_request'))).toMatchObject({
      event: 'pull_request',
      ref: 'refs/pull/7/head',
      author: 'ada',
      pullRequest: { number: 7, fork: true, sourceBranch: 'louder', targetBranch: 'master' },
    })
  })

  it('goes by its own headers and by those of Forgejo, not by the copies of GitHub', () => {
    const none = Buffer.alloc(0)
    expect(gitea.identify({ 'x-gitea-event': 'push', 'x-gitea-delivery': 'a' }, none)).toEqual({
      event: 'push',
      forgeId: 'a',
    })
    expect(gitea.identify({ 'x-forgejo-event': 'push', 'x-forgejo-delivery': 'b' }, none).forgeId).toBe('b')
    expect(gitea.identify({ 'x-github-event': 'push' }, none).event).toBeUndefined()
  })

  // Made with `openssl dgst -sha256 -hmac tea`.
  const json = '36066460dd77e5ad23093056ed71d5f5dec9537db739b3085f6b5f64993a31cf'
  const verify = (headers: Record<string, string>, body = '{"ref":"refs/heads/main"}') =>
    gitea.verify({ headers, rawBody: Buffer.from(body), secret: 'tea', now: new Date() })

  it('verifies bare hex in its own header and in that of Forgejo', () => {
    expect(verify({ 'x-gitea-signature': json })).toBe(true)
    expect(verify({ 'x-forgejo-signature': json })).toBe(true)
    expect(verify({ 'x-gitea-signature': `sha256=${json}` })).toMatch(/wrong signature in X-Gitea-Signature/)
    expect(verify({ 'x-forgejo-signature': 'nonsense', 'x-gitea-signature': json })).toMatch(
      /X-Forgejo-Signature/,
    )
    expect(verify({})).toMatch(/no signature: expected the header X-Gitea-Signature/)
  })

  it('verifies a form by the payload in it, which is what Gitea signs', () => {
    const form = 'payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D'
    const headers = { 'x-gitea-signature': json, 'content-type': 'application/x-www-form-urlencoded' }
    expect(verify(headers, form)).toBe(true)
    expect(verify(headers, form.replace('main', 'evil'))).toMatch(/wrong signature/)
    expect(verify({ ...headers, 'content-type': 'application/json' }, form)).toMatch(/wrong signature/)
    const raw = 'f7fd67c588e86e88330bc63703eaaa3ef29a8df7856c12479cff8a8722bc7f06'
    expect(verify({ ...headers, 'x-gitea-signature': raw }, form)).toBe(true)
  })
})
