import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createWaitingObjects } from '../../../orchestrator/archive/s3/waiting-objects.ts'
import { reportWaiting } from '../../../orchestrator/metrics/archive-metrics.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import { keptLog } from '../kept-log.ts'

it('counts what waits on this host for a bucket that is away, until it is there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-waiting-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  let isAway = true
  const store = {
    put: async () => {
      if (isAway) throw new Error('the storage is away')
    },
  }
  const objects = createWaitingObjects({ store, folder: join(folder, 'waiting'), log: keptLog().log })
  const metrics = createMetrics()
  reportWaiting({ metrics, waiting: objects.count })
  const told = () => metrics.registry.getSingleMetricAsString('mayfly_archive_waiting_objects')
  expect(await told()).toMatch(/^mayfly_archive_waiting_objects 0$/m)
  await objects.put('builds/one', '{}')
  await objects.put('builds/two', '{}')
  expect(await told()).toMatch(/^mayfly_archive_waiting_objects 2$/m)
  isAway = false
  await objects.deliver()
  expect(await told()).toMatch(/^mayfly_archive_waiting_objects 0$/m)
})
