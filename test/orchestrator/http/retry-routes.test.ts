import { expect, it } from 'vitest'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { httpWorld } from './http-world.ts'

const post = (body: object): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
})
const keys = [{ who: 'ada', publicKey: makeKeyPair('ada').publicKey }]
const both = { scopes: ['submit', 'debug'] as const }

it('a job is run again by who may submit, and to be debugged only by who may debug too', async () => {
  const { ask, addJob, parts } = await httpWorld()
  const { job } = await addJob({ state: 'failed' })
  const path = `/api/v1/jobs/${job.id}/retry`
  expect((await ask(path, { ...post({ debug: { keys } }), scopes: ['submit'] })).status).toBe(403)
  expect((await ask(path, { ...post({ debug: { keys } }), scopes: ['debug'] })).status).toBe(403)
  expect((await parts.store.jobs.get(job.id))?.attempt).toBe(job.attempt)
  expect((await ask(path, { ...post({}), scopes: ['submit'] })).status).toBe(200)
  const again = await parts.store.jobs.get(job.id)
  expect([again?.attempt, again?.debug]).toEqual([job.attempt + 1, undefined])
})

it('a retry to be debugged keeps the keys that it is given, or needs an opt-in of the repository', async () => {
  const { ask, addJob, parts } = await httpWorld()
  const { job } = await addJob({ state: 'failed' })
  const path = `/api/v1/jobs/${job.id}/retry`
  const none = await ask(path, { ...post({ debug: {} }), ...both })
  expect([none.status, await none.text()]).toEqual([422, expect.stringContaining('found neither')])
  const wrong = await ask(path, {
    ...post({ debug: { keys: [{ who: 'x', publicKey: 'ssh-dss AAAA' }] } }),
    ...both,
  })
  expect(wrong.status).toBe(422)
  const answer = await ask(path, { ...post({ debug: { keys } }), ...both })
  const by = 'submit,debug'
  expect(await answer.json()).toMatchObject({ jobs: [{ id: job.id, debug: { by } }], problems: [] })
  expect((await parts.store.jobs.get(job.id))?.debug).toMatchObject({ by, optIn: { keys } })

  const other = await addJob({ state: 'failed' }, { id: 'b2' })
  await parts.optIns.put(other.job.repository, { by: 'ann', at: '', keys })
  const opted = await ask(`/api/v1/jobs/${other.job.id}/retry`, { ...post({ debug: {} }), ...both })
  expect(opted.status).toBe(200)
  expect((await parts.store.jobs.get(other.job.id))?.debug).toEqual({ by, at: expect.any(String) })
  expect((await ask('/api/v1/jobs/nobody/retry', { ...post({}), ...both })).status).toBe(404)
})
