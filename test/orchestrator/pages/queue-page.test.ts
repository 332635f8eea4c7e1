import { describe, expect, it } from 'vitest'
import type { HostStatus } from '../../../orchestrator/model/queue-view.ts'
import { QueuePage } from '../../../orchestrator/pages/queue-page.tsx'

const host: HostStatus = {
  name: 'one',
  cpus: { total: 2, taken: 1 },
  memory: { total: 2 ** 30, taken: 0 },
  running: ['b1-main'],
  heard: '2026-01-02T03:04:05.000Z',
  stale: false,
}
const page = (status: Partial<HostStatus>, mayAct = false) =>
  String(QueuePage({ waiting: [], hosts: [{ ...host, ...status }], mayAct }))
const restarted = 'Its server is being restarted'

describe('the page of queue and hosts', () => {
  it('says that the jobs of a server that is being restarted go on, and until when', () => {
    const text = page({ awayUntil: '2026-01-02T03:19:05.000Z' })
    expect(text).toContain(restarted)
    expect(text).toContain('2026-01-02T03:19:05.000Z')
    expect(text).not.toContain('silent')
  })

  it('says of one that has not come back that it is silent, and of one that is there nothing', () => {
    const late = page({ awayUntil: '2026-01-02T03:19:05.000Z', stale: true })
    expect(late).toContain('silent')
    expect(late).not.toContain(restarted)
    expect(page({})).not.toContain(restarted)
  })

  it('says what a host has and holds, and nothing of that for one of an earlier version', () => {
    const none = { items: [], more: 0 }
    const text = page({
      ...{ labels: ['gpu', 'kvm'], version: '0.3.0', qemu: '7.2.22' },
      accel: { kind: 'kvm', reason: 'a kernel spoke' },
      disk: { total: 2 ** 40, free: 2 ** 39 },
      holds: {
        images: { items: [{ name: 'debian-13', digest: 'sha256:0123456789abcdef' }], more: 2 },
        templates: none,
        checkpoints: none,
      },
    })
    expect(text).toContain('Labels: gpu, kvm. Mayfly 0.3.0, QEMU 7.2.22, kvm (a kernel spoke)')
    expect(text).toContain('512 GiB of 1 TiB disk free')
    expect(text).toContain('3 images, 0 templates, 0 checkpoints')
    expect(text).toContain('sha256:0123456789ab')
    expect(page({})).not.toContain('Labels')
  })

  it('has buttons for admins alone, of what can be done with a host as it stands', () => {
    const cordon = { by: 'ann', at: '2026-01-02T03:04:05.000Z', why: 'a new disk' }
    expect(page({ cordon })).toContain('cordoned by ann: a new disk')
    expect(page({ cordon })).not.toContain('<button')
    const buttons = (status: Partial<HostStatus>) =>
      [...page(status, true).matchAll(/action="([^"]+)"/g)].map(([, action]) => action)
    expect(buttons({})).toEqual(['/hosts/one/cordon', '/hosts/one/drain'])
    expect(buttons({ cordon, computer: 'rack 2' })).toEqual([
      '/hosts/rack%202/uncordon',
      '/hosts/rack%202/drain',
    ])
    expect(buttons({ cordon: { ...cordon, drain: {} }, stale: true })).toEqual([
      '/hosts/one/uncordon',
      '/hosts/one/remove',
    ])
  })
})
