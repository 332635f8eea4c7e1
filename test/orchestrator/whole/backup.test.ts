import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { backUp } from '../../../orchestrator/backup/back-up.ts'
import { restore } from '../../../orchestrator/backup/restore.ts'
import { oneJob, startWhole } from './whole-server.ts'

const { signal } = new AbortController()

it('what a running server was backed up with is all there on a computer that had nothing of it', {
  timeout: 120_000,
}, async () => {
  const whole = await startWhole({ machine: { steps: { work: { prints: ['made it\n'] } } } })
  onTestFinished(() => whole.close())
  const push = await whole.repository('octo/kept', { '.mayfly.yml': oneJob })
  const id = 'b4f2a3f0-1111-4222-8333-444455556667'
  expect((await whole.deliver(push, { id })).status).toBe(202)
  const build = await whole.verdict(push.name)
  const scope = encodeURIComponent(`github:${push.name}`)
  await whole.api('PUT', `/secrets/${scope}/DEPLOY`, { value: 'a value of many letters' })
  const to = join(whole.data, '..', 'backup.tar.zst')
  const folders = { archiveFolder: whole.data, dataFolder: whole.data, bucket: undefined, signal }
  await backUp({ ...folders, to, withJobs: true, now: () => new Date() })

  await whole.stop()
  await rm(whole.data, { recursive: true })
  await restore({ ...folders, from: to })
  await whole.restart()

  const [found] = await whole.builds(push.name)
  expect(found).toMatchObject({ id: build.id, state: 'passed', jobs: [{ state: 'passed' }] })
  const log = await fetch(`${whole.url}/api/v1/jobs/${build.jobs[0]?.id}/log`)
  expect(await log.text()).toContain('made it')
  expect((await whole.api('GET', `/secrets/${scope}`)).body.items).toContain('DEPLOY')
  expect((await whole.deliver(push, { id })).body).toMatchObject({ verdict: 'duplicate' })
  expect(await whole.builds(push.name)).toHaveLength(1)
})
