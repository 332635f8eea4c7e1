import { describe, expect, it } from 'vitest'
import { contend, groupOf, resolveGroup } from '../../../orchestrator/builds/concurrency.ts'
import { aJobOf } from './a-job-of.ts'
import { aPullRequest, aTrigger } from './build-world.ts'

const all = `\${job}:\${event}:\${branch}:\${tag}:\${pull_request}:\${ref}:\${other}`
const resolve = (group: string, trigger = aTrigger()) =>
  resolveGroup({ concurrency: { group, cancel: false }, job: 'deploy', trigger }).group
const [waits] = aJobOf('concurrency: { group: g }\nsteps: [make]')
const [cancels] = aJobOf('concurrency: { group: g, cancel: true }\nsteps: [make]')

describe('resolveGroup', () => {
  it('fills in what the build is of, leaves empty what there is not and as it is what it does not know', () => {
    expect(resolve(all)).toBe(`deploy:push:main:::refs/heads/main:\${other}`)
    expect(resolve(all, aTrigger({ event: 'tag', branch: undefined, tag: 'v1', ref: 'refs/tags/v1' }))).toBe(
      `deploy:tag::v1::refs/tags/v1:\${other}`,
    )
  })

  it('keeps pull requests apart from each other and from pushes to branches', () => {
    expect(resolve(`b-\${branch}`, aPullRequest({ sourceBranch: 'main' }))).toBe('b-pull/7')
    expect(resolve(`b-\${pull_request}`, aPullRequest())).toBe('b-7')
  })
})

describe('groupOf', () => {
  it('is the repository its own', () => {
    expect(groupOf({ repository: 'gitea:a/b', job: waits })).toBe('gitea:a/b/g')
    expect(groupOf({ repository: 'gitea:a/b', job: aJobOf('steps: [x]')[0] })).toBeUndefined()
  })
})

describe('contend', () => {
  it('lets a job wait where its file does not say otherwise', () => {
    expect(contend({ build: '2', job: waits }, { build: '1' })).toBe('wait')
  })

  it('cancels the holder of an older build, and gives way to one of a newer', () => {
    expect(contend({ build: '2', job: cancels }, { build: '1' })).toBe('cancel-holder')
    expect(contend({ build: '1', job: cancels }, { build: '2' })).toBe('give-way')
  })

  it('lets jobs of one build run one after the other', () => {
    expect(contend({ build: '1', job: cancels }, { build: '1' })).toBe('wait')
  })
})
