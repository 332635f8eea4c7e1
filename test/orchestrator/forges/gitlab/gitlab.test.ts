import { describe, expect, it } from 'vitest'
import { gitlab } from '../../../../orchestrator/forges/gitlab/gitlab.ts'
import { fixture } from '../fixture.ts'
import { onlyReason, onlyTrigger } from '../reading.ts'

const read = (name: string, event = 'Push Hook') => gitlab.read({ event, body: fixture(name) })

describe('gitlab', () => {
  it('reads a push with the pushed commit as title and author, whatever its place in the list', () => {
    expect(gitlab.repositoryName(fixture('gitlab-push'))).toBe('mike/diaspora')
    expect(onlyTrigger(read('gitlab-push'))).toEqual({
      event: 'push',
      sha: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7',
      ref: 'refs/heads/master',
      branch: 'master',
      tag: undefined,
      title: 'fixed readme',
      author: 'GitLab dev user',
      actor: 'jsmith',
      before: '95790bf891e76fee5e1747ab589903a6a1f80f22',
      pullRequest: undefined,
      inputs: {},
    })
  })

  it('reads a system hook by what its body says', () => {
    expect(onlyTrigger(read('gitlab-push', 'System Hook')).event).toBe('push')
  })

  it('builds the commit behind an annotated tag', () => {
    expect(onlyTrigger(read('gitlab-tag-push', 'Tag Push Hook'))).toMatchObject({
      event: 'tag',
      tag: 'v1.0.0',
      sha: '5937ac0a7beb003549fc5fd26fc247adbce4a52e',
      title: 'Release 1.0.0',
      before: undefined,
    })
  })

  it('ignores a deleted branch and a push with the option ci.skip, saying so', () => {
    expect(onlyReason(read('gitlab-branch-deleted'))).toBe('refs/heads/master was deleted')
    expect(onlyReason(read('gitlab-push-ci-skip'))).toBe('the push option ci.skip asks for no build')
    const asList = { ...(fixture('gitlab-push') as object), push_options: ['ci.skip'] }
    expect(onlyReason(gitlab.read({ event: 'Push Hook', body: asList }))).toContain('ci.skip')
    const other = { ...(fixture('gitlab-push') as object), push_options: { merge_request: { create: true } } }
    expect(onlyTrigger(gitlab.read({ event: 'Push Hook', body: other })).event).toBe('push')
  })

  it('reads an opened merge request from the same project', () => {
    expect(onlyTrigger(read('gitlab-merge-request-open', 'Merge Request Hook'))).toMatchObject({
      event: 'pull_request',
      sha: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7',
      ref: 'refs/merge-requests/1/head',
      branch: 'master',
      title: 'MS-Viewport',
      pullRequest: { number: 1, fork: false, sourceBranch: 'ms-viewport', targetSha: undefined },
    })
  })

  it('knows a fork by its project, and builds an update only where it brought commits', () => {
    const body = fixture('gitlab-merge-request-fork-update') as { object_attributes: Record<string, unknown> }
    const hook = () => gitlab.read({ event: 'Merge Request Hook', body })
    expect(onlyTrigger(hook()).pullRequest?.fork).toBe(true)
    delete body.object_attributes.oldrev
    expect(onlyReason(hook())).toBe('merge request 1 had "update", without new commits')
    for (const action of ['close', 'merge']) {
      body.object_attributes.action = action
      expect(hook()).toEqual([{ kind: 'closed', pullRequest: 1 }])
    }
  })

  it('names a delivery by its idempotency key, and on old versions by event and body', () => {
    const id = (headers: Record<string, string>, body = '{}') =>
      gitlab.identify({ 'x-gitlab-event': 'Push Hook', ...headers }, Buffer.from(body)).forgeId
    expect(id({ 'idempotency-key': 'k', 'x-gitlab-event-uuid': 'u' })).toBe('k')
    const old = { 'x-gitlab-event-uuid': 'u' }
    expect(id(old, '1')).toBe(id(old, '1'))
    expect(id(old, '1')).not.toBe(id(old, '2'))
    expect(id({})).toBeUndefined()
  })
})

describe('gitlab verifies', () => {
  const now = new Date(1614265330 * 1000)
  const token = (sent: string | undefined) =>
    gitlab.verify({ headers: { 'x-gitlab-token': sent }, rawBody: Buffer.from('{}'), secret: 'hunter2', now })

  it('the token as it is', () => {
    expect(token('hunter2')).toBe(true)
    expect(token('hunter')).toMatch(/wrong token/)
    expect(token('')).toMatch(/wrong token/)
    expect(token(undefined)).toMatch(/no token: expected the header X-Gitlab-Token/)
  })

  const signed = (change: { headers?: Record<string, string | undefined>; now?: Date; body?: string } = {}) =>
    gitlab.verify({
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
        ...change.headers,
      },
      rawBody: Buffer.from(change.body ?? '{"test": 2432232314}'),
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      now: change.now ?? now,
    })

  it('the signature of the Standard Webhooks specification', () => {
    expect(signed()).toBe(true)
    const two = 'v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    expect(signed({ headers: { 'webhook-signature': two } })).toBe(true)
    expect(signed({ body: '{"test": 2432232315}' })).toMatch(/wrong webhook-signature/)
    expect(signed({ headers: { 'webhook-id': 'msg_other' } })).toMatch(/wrong webhook-signature/)
  })

  it('no signature that is old, from the future or undated', () => {
    expect(signed({ now: new Date(now.getTime() + 301_000) })).toMatch(/within 300 s of our clock, got 301 s/)
    expect(signed({ now: new Date(now.getTime() - 301_000) })).toMatch(/within 300 s/)
    expect(signed({ headers: { 'webhook-timestamp': 'soon' } })).toMatch(/within 300 s/)
    expect(signed({ headers: { 'webhook-timestamp': undefined } })).toMatch(
      /no signature: expected the headers/,
    )
  })

  it('the signature alone where the secret is a signing key', () => {
    const headers = {
      'webhook-signature': undefined,
      'x-gitlab-token': 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    }
    expect(signed({ headers })).toMatch(/no signature/)
  })
})
