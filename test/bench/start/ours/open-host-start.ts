import { startOnHost } from '../../../../runner/start-on-host.ts'
import type { Contender, StartPlace } from '../contender.ts'
import { startEach } from './start-each.ts'
import { expectStart, timedJob } from './timed-job.ts'

/** Machines as this host starts them for a job: from cold, or from a template that is made before anything is timed. */
export async function openHostStart(place: StartPlace, what: 'cold' | 'template'): Promise<Contender> {
  const { bench, data } = place
  const host = { ...bench.host, templates: { ...bench.host.templates, use: what === 'template' } }
  const startMachine = startOnHost({ host, dataFolder: data })
  const start = async (id: string) => {
    const { record, figures } = await timedJob({ place, id, host, startMachine })
    expectStart(record, what)
    return figures
  }
  if (what === 'template') await start('template-warm-up')
  return { what, start: (crowd) => startEach(crowd, start) }
}
