import { expect, it, onTestFinished } from 'vitest'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { until } from '../until.ts'
import { oneJob, startWhole } from './whole-server.ts'

it('a server whose disk is short takes no job and says so on /readyz, the queue page and in the line', async () => {
  const { pressure } = await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })
  const whole = await startWhole({ host: { pressure: { ...pressure, diskFree: 2 ** 60 } } })
  onTestFinished(() => whole.close())
  const ready = await fetch(`${whole.url}/readyz`)
  expect(ready.status).toBe(503)
  expect(await ready.json()).toMatchObject({
    ok: false,
    faults: { pressure: expect.stringContaining('(pressure.disk_free of the host file)') },
  })
  expect((await fetch(`${whole.url}/healthz`)).status).toBe(200)
  // What comes in is still taken: it waits.
  const push = await whole.repository('octo/waits', { '.mayfly.yml': oneJob })
  expect((await whole.deliver(push)).status).toBe(202)
  const waiting = async () => (await whole.api('GET', '/queue')).body.items as { reason: string }[]
  await until('the job waits', async () => (await waiting()).length === 1)
  await until(
    'it says why',
    async () => (await waiting())[0]?.reason.includes('takes no jobs for now') === true,
  )
  expect((await waiting())[0]?.reason).toContain('pressure.disk_free')
  const page = await (await fetch(`${whole.url}/queue`)).text()
  expect(page).toContain('takes no jobs for now')
  expect(await (await fetch(`${whole.url}/metrics`)).text()).toContain('mayfly_host_pressure 1')
  expect(whole.start.orders).toEqual([])
})
