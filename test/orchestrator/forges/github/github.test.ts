import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { isWholeSha } from '../../../../orchestrator/forges/git-names.ts'
import { github } from '../../../../orchestrator/forges/github/github.ts'
import { onlyReason, onlyTrigger } from '../reading.ts'

type Examples = readonly { name: string; examples: readonly Record<string, unknown>[] }[]
const examples = createRequire(import.meta.url)('@octokit/webhooks-examples') as Examples
const of = (event: string) => examples.find(({ name }) => name === event)?.examples ?? []
const read = (event: string, body: unknown) => github.read({ event, body })

describe('github reads every example that GitHub publishes', () => {
  it.each(examples.map(({ name }) => name))('%s', (event) => {
    expect(of(event).length).toBeGreaterThan(0)
    for (const body of of(event)) {
      const readings = read(event, body)
      expect(readings).toHaveLength(1)
      expect(['trigger', 'closed', 'ping', 'ignored']).toContain(readings[0]?.kind)
    }
  })
})

describe('github', () => {
  it('finds the repository of a push', () => {
    expect(github.repositoryName(of('push')[0])).toBe('Codertocat/Hello-World')
    expect(github.repositoryName({ repository: { full_name: '../../etc' } })).toBeUndefined()
    expect(github.repositoryName({ repository: { full_name: 'no-owner' } })).toBeUndefined()
    expect(github.repositoryName(null)).toBeUndefined()
  })

  it('reads a push to a branch', () => {
    const body = of('push').find(({ ref }) => ref === 'refs/heads/master')
    expect(onlyTrigger(read('push', body))).toEqual({
      event: 'push',
      sha: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
      ref: 'refs/heads/master',
      branch: 'master',
      tag: undefined,
      title: 'Initial commit',
      author: 'Codertocat',
      actor: 'Codertocat',
      before: undefined,
      pullRequest: undefined,
      inputs: {},
    })
  })

  it('reads a pushed tag as its commit, which an annotated tag has in head_commit', () => {
    const body = of('push').find(({ ref, deleted }) => ref === 'refs/tags/simple-tag' && deleted === false)
    const annotated = { ...body, after: 'a'.repeat(40) }
    expect(onlyTrigger(read('push', annotated))).toMatchObject({
      event: 'tag',
      tag: 'simple-tag',
      branch: undefined,
      sha: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
    })
  })

  it('ignores the deletion of a ref, also where only the zeros tell it', () => {
    const body = of('push').find(({ deleted }) => deleted === true)
    expect(onlyReason(read('push', body))).toBe('refs/tags/simple-tag was deleted')
    expect(onlyReason(read('push', { ...body, deleted: undefined }))).toContain('was deleted')
  })

  it('builds pull requests that were opened, reopened or got commits, and no others', () => {
    for (const body of of('pull_request')) {
      const [reading] = read('pull_request', body)
      const action = String(body.action)
      const expected = ['opened', 'reopened', 'synchronize'].includes(action)
        ? 'trigger'
        : action === 'closed'
          ? 'closed'
          : 'ignored'
      expect(reading?.kind, action).toBe(expected)
    }
  })

  it('reads a pull request with its head as what is fetched and its base as where the fork stands', () => {
    const body = of('pull_request').find(({ action }) => action === 'opened')
    const trigger = onlyTrigger(read('pull_request', body))
    expect(trigger).toMatchObject({
      event: 'pull_request',
      ref: 'refs/pull/2/head',
      sha: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
      branch: 'master',
      before: 'f95f852bd8fca8fcc58a9a2d6c842781e32a215e',
      pullRequest: { number: 2, fork: false, sourceBranch: 'changes', targetBranch: 'master' },
    })
    expect(isWholeSha(trigger.pullRequest?.targetSha ?? '')).toBe(true)
  })

  it('knows a fork by its name, not by whether the target is a fork itself, and a deleted one too', () => {
    const body = structuredClone(of('pull_request').find(({ action }) => action === 'opened')) as {
      pull_request: { head: { repo: Record<string, unknown> | null }; base: { repo: { fork: boolean } } }
    }
    const isFork = () => onlyTrigger(read('pull_request', body)).pullRequest?.fork
    body.pull_request.head.repo = { ...body.pull_request.head.repo, fork: true }
    expect(isFork()).toBe(false)
    body.pull_request.head.repo = { full_name: 'someone/Hello-World' }
    expect(isFork()).toBe(true)
    body.pull_request.head.repo = null
    expect(isFork()).toBe(true)
  })

  it('answers a ping, and ignores create and delete, which come beside a push', () => {
    expect(read('ping', of('ping')[0])).toEqual([{ kind: 'ping' }])
    expect(onlyReason(read('create', of('create')[0]))).toBe('the event "create" starts no builds')
    expect(onlyReason(read('delete', of('delete')[0]))).toBe('the event "delete" starts no builds')
  })

  it.each([
    ['an option for git', '--upload-pack=x'],
    ['a way out of refs', 'refs/heads/../../x'],
    ['a space', 'refs/heads/a b'],
    ['a control character', 'refs/heads/a\u0007'],
    ['a colon', 'refs/heads/a:b'],
    ['nothing', ''],
  ])('ignores a ref that has %s in it', (_, ref) => {
    const body = { ...of('push').find(({ deleted }) => deleted === false), ref }
    expect(onlyReason(read('push', body))).toMatch(/expected the name of a ref/)
  })

  it('verifies the signature of the documentation', () => {
    const delivery = (signature: string | undefined) => ({
      headers: { 'x-hub-signature-256': signature },
      rawBody: Buffer.from('Hello, World!'),
      secret: "It's a Secret to Everybody",
      now: new Date(),
    })
    const right = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    expect(github.verify(delivery(right))).toBe(true)
    expect(github.verify(delivery(right.replace(/7$/, '8')))).toMatch(
      /wrong signature in X-Hub-Signature-256/,
    )
    expect(github.verify(delivery(right.slice(7)))).toMatch(/wrong signature/)
    expect(github.verify(delivery('sha256='))).toMatch(/wrong signature/)
    expect(github.verify(delivery(''))).toMatch(/wrong signature/)
    expect(github.verify(delivery(undefined))).toMatch(
      /no signature: expected the header X-Hub-Signature-256/,
    )
  })
})
