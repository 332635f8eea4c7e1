import { expect, it } from 'vitest'
import { createForges } from '../../../../orchestrator/forges/forges.ts'
import { aRepository } from '../../a-repository.ts'

const { local } = createForges()
const nothing = { headers: {}, rawBody: Buffer.from('{}'), secret: 'x', now: new Date() }

it('believes no delivery, whatever it says, and starts nothing by one', () => {
  expect(local.verify(nothing)).toBe('a local repository takes no webhooks')
  expect(local.identify({ 'x-github-event': 'push' }, Buffer.from('{}'))).toEqual({
    event: undefined,
    forgeId: undefined,
  })
  expect(local.repositoryName({ repository: { full_name: 'local/engine' } })).toBeUndefined()
  expect(local.read({ event: 'push', body: {} })).toEqual([
    { kind: 'ignored', reason: 'a local repository takes no webhooks' },
  ])
})

it('tells nobody how a commit is doing', () => {
  expect(local.keepsStatuses).toBe(false)
  const status = { context: 'mayfly', state: 'passed', description: '', url: 'http://x' } as const
  const repository = aRepository({ forge: 'local' })
  const sha = 'a'.repeat(40)
  expect(
    local.statusRequest({ ...status, repository, sha, token: 't', ref: 'refs/heads/main' }),
  ).toBeUndefined()
})
