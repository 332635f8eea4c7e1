import { startOnHost } from '../../../../runner/start-on-host.ts'
import type { Contender, StartPlace } from '../contender.ts'
import { startEach } from './start-each.ts'
import { expectStart, timedJob } from './timed-job.ts'

/** Jobs whose setup has run before: they start after it. The first one, before anything is timed, runs and keeps it. */
export async function openCheckpointStart(place: StartPlace): Promise<Contender> {
  const { bench, data } = place
  const host = {
    ...bench.host,
    templates: { ...bench.host.templates, use: true },
    checkpoints: { ...bench.host.checkpoints, use: true },
  }
  const job = {
    ...{ place, host, startMachine: startOnHost({ host, dataFolder: data }) },
    setup: "setup: ['true']\n",
    setupAccess: { scope: 'bench', readsAll: true, mayKeep: true },
  }
  await timedJob({ ...job, id: 'checkpoint-warm-up' })
  const start = async (id: string) => {
    const { record, figures } = await timedJob({ ...job, id })
    expectStart(record, 'checkpoint')
    return figures
  }
  return { what: 'checkpoint', start: (crowd) => startEach(crowd, start) }
}
