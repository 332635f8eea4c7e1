import { describe, expect, it } from 'vitest'
import type { StatusState, StatusToWrite } from '../../../orchestrator/forges/forge.ts'
import { createForges } from '../../../orchestrator/forges/forges.ts'
import type { ForgeName } from '../../../orchestrator/model/forge-name.ts'
import type { Repository } from '../../../orchestrator/model/repository.ts'
import { aRepository } from '../a-repository.ts'

const forges = createForges()
const sha = 'c0ffee0000000000000000000000000000000001'

function request(
  forge: ForgeName,
  change: Partial<StatusToWrite> = {},
  repository: Partial<Repository> = {},
) {
  const made = forges[forge].statusRequest({
    repository: aRepository({ forge, cloneUrl: '/srv/git/engine.git', ...repository }),
    token: 'tok-1',
    sha,
    ref: 'refs/heads/main',
    context: 'mayfly/test',
    state: 'passed',
    description: 'passed in 3 s',
    url: 'https://ci.example.org/jobs/1',
    ...change,
  })
  if (made === undefined) return undefined
  return { ...made, json: JSON.parse(made.body ?? '') as Record<string, unknown> }
}

describe('statusRequest', () => {
  it('of GitHub', () => {
    expect(request('github')).toMatchObject({
      method: 'POST',
      url: `https://api.github.com/repos/ada/engine/statuses/${sha}`,
      headers: { authorization: 'Bearer tok-1', accept: 'application/vnd.github+json' },
      json: {
        state: 'success',
        target_url: 'https://ci.example.org/jobs/1',
        description: 'passed in 3 s',
        context: 'mayfly/test',
      },
    })
  })

  it('of GitLab, with the branch by its short name, and none for a merge request', () => {
    expect(request('gitlab', {}, { name: 'group/sub/engine' })).toMatchObject({
      url: `https://gitlab.com/api/v4/projects/group%2Fsub%2Fengine/statuses/${sha}`,
      headers: { 'private-token': 'tok-1' },
      json: { state: 'success', ref: 'main', name: 'mayfly/test', description: 'passed in 3 s' },
    })
    expect(request('gitlab', { ref: 'refs/merge-requests/3/head' })?.json).not.toHaveProperty('ref')
    expect(request('gitlab', { ref: 'refs/tags/v1' })?.json).toMatchObject({ ref: 'v1' })
  })

  it('of Gitea, on the host that it is cloned from', () => {
    expect(request('gitea', {}, { cloneUrl: 'https://user:pass@codeberg.org/ada/engine.git' })).toMatchObject(
      {
        url: `https://codeberg.org/api/v1/repos/ada/engine/statuses/${sha}`,
        headers: { authorization: 'token tok-1' },
        json: { state: 'success', context: 'mayfly/test' },
      },
    )
    expect(request('gitea')).toBeUndefined()
  })

  it('of Bitbucket, with a key of at most 40 characters', () => {
    expect(request('bitbucket')).toMatchObject({
      url: `https://api.bitbucket.org/2.0/repositories/ada/engine/commit/${sha}/statuses/build`,
      headers: { authorization: 'Bearer tok-1' },
      json: {
        key: 'mayfly/test',
        state: 'SUCCESSFUL',
        name: 'mayfly/test',
        url: 'https://ci.example.org/jobs/1',
        refname: 'main',
      },
    })
    expect(request('bitbucket', { token: 'ada:app' })?.headers.authorization).toBe('Basic YWRhOmFwcA==')
    const long = request('bitbucket', { context: `mayfly/${'x'.repeat(50)}` })?.json
    expect(long?.key).toMatch(/^[0-9a-f]{40}$/)
    expect(long?.name).toHaveLength(57)
  })

  it('of SourceHut is none', () => {
    expect(request('sourcehut')).toBeUndefined()
  })

  it.each([
    ['github', 'pending pending success failure failure error error success'],
    ['gitea', 'pending pending success failure failure error failure success'],
    ['gitlab', 'pending running success failed failed failed canceled success'],
    ['bitbucket', 'INPROGRESS INPROGRESS SUCCESSFUL FAILED FAILED FAILED STOPPED SUCCESSFUL'],
  ] as const)('gives %s an end for each of our ends, so that no pull request hangs', (forge, expected) => {
    const ours: StatusState[] = [
      'pending',
      'running',
      'passed',
      'failed',
      'timed-out',
      'errored',
      'cancelled',
      'skipped',
    ]
    const apiUrl = 'http://127.0.0.1:1/api'
    const theirs = ours.map((state) => request(forge, { state }, { apiUrl })?.json.state)
    expect(theirs.join(' ')).toBe(expected)
  })

  it('asks the API that the repository names, without its credentials', () => {
    const apiUrl = 'https://me:secret@git.example.org/forge/api/v1/'
    expect(request('gitea', {}, { apiUrl })?.url).toBe(
      `https://git.example.org/forge/api/v1/repos/ada/engine/statuses/${sha}`,
    )
    const cloneUrl = 'https://ghe.example.org/ada/engine.git'
    expect(request('github', {}, { cloneUrl })?.url).toContain(
      'https://ghe.example.org/api/v3/repos/ada/engine/',
    )
    expect(request('gitlab', {}, { cloneUrl })?.url).toContain(
      'https://ghe.example.org/api/v4/projects/ada%2F',
    )
  })

  it('cuts descriptions to what the forge takes, and leaves GitHub no character beyond U+FFFF', () => {
    const description = `${'🦋'.repeat(10)}${'x'.repeat(400)}`
    const apiUrl = 'http://127.0.0.1:1/api'
    const told = (forge: ForgeName) => String(request(forge, { description }, { apiUrl })?.json.description)
    expect(told('github')).toBe(`${'?'.repeat(10)}${'x'.repeat(129)}…`)
    expect(told('github')).toHaveLength(140)
    for (const forge of ['gitlab', 'gitea', 'bitbucket'] as const) {
      expect(told(forge)).toHaveLength(255)
      expect(told(forge)).toContain('🦋')
    }
  })
})
