import { describe, expect, it } from 'vitest'
import { bitbucket } from '../../../../orchestrator/forges/bitbucket/bitbucket.ts'
import { fixture } from '../fixture.ts'
import { onlyReason, onlyTrigger } from '../reading.ts'

describe('bitbucket', () => {
  it('reads each ref that a push moved', () => {
    const body = fixture('bitbucket-push')
    expect(bitbucket.repositoryName(body)).toBe('team_name/repo_name')
    const [branch, tag, deleted] = bitbucket.read({ event: 'repo:push', body })
    expect(branch).toMatchObject({
      kind: 'trigger',
      trigger: {
        event: 'push',
        sha: '709d658dc5b6d6afcd46049c2f332ee3f515a67d',
        before: '1e65c05c1d5171631d92438a13901ca7dae9618c',
        branch: 'main',
        title: 'new commit message',
        author: 'Emma',
        actor: 'emmap1',
      },
    })
    expect(tag).toMatchObject({
      kind: 'trigger',
      trigger: { event: 'tag', ref: 'refs/tags/v2.0', before: undefined },
    })
    expect(deleted).toEqual({ kind: 'ignored', reason: 'refs/heads/gone was deleted' })
  })

  it('reads a pull request, whose commits it is told by twelve digits', () => {
    const body = fixture('bitbucket-pullrequest-created')
    for (const event of ['pullrequest:created', 'pullrequest:updated'])
      expect(onlyTrigger(bitbucket.read({ event, body }))).toMatchObject({
        event: 'pull_request',
        sha: 'd3022fc0ca3d',
        ref: 'refs/heads/branch2',
        branch: 'main',
        before: undefined,
        pullRequest: { number: 1, fork: false, targetSha: undefined },
      })
    for (const event of ['pullrequest:fulfilled', 'pullrequest:rejected'])
      expect(bitbucket.read({ event, body })).toEqual([{ kind: 'closed', pullRequest: 1 }])
  })

  it("ignores a fork's pull request, whose commits Bitbucket keeps out of reach", () => {
    const body = fixture('bitbucket-pullrequest-fork')
    expect(onlyReason(bitbucket.read({ event: 'pullrequest:created', body }))).toMatch(
      /comes from someone\/repo_name, and Bitbucket keeps no ref/,
    )
  })

  it.each(['constructor', '__proto__', 'toString', 'issue:created'])('ignores the event %s', (event) => {
    expect(onlyReason(bitbucket.read({ event, body: {} }))).toContain('starts no builds')
  })

  it('verifies the signature of the documentation', () => {
    const verify = (signature: string | undefined) =>
      bitbucket.verify({
        headers: { 'x-hub-signature': signature },
        rawBody: Buffer.from('Hello World!'),
        secret: "It's a Secret to Everybody",
        now: new Date(),
      })
    expect(verify('sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9')).toBe(true)
    expect(verify('sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c8')).toMatch(/wrong/)
    expect(verify(undefined)).toMatch(/expected the header X-Hub-Signature/)
  })
})
