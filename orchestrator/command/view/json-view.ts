import type { Writable } from 'node:stream'
import type { JobEvent } from '../../../runner/job/job-event.ts'
import type { View } from './view.ts'

/** One JSON object a line. Bytes of log and console are `text`, decoded as UTF-8. */
export function createJsonView(out: Writable): View {
  let job = ''
  const print = (value: object) => void out.write(`${JSON.stringify({ job, ...value })}\n`)
  return {
    job({ name, id, folder }) {
      job = name
      print({ type: 'job', id, folder })
      return (progress) => print({ type: 'image-progress', ...progress })
    },
    event: (event) => print(withText(event)),
    skipped: (name, unmet) => print({ job: name, type: 'verdict', verdict: 'skipped', unmet }),
    interrupted: () => print({ type: 'interrupted' }),
    kept: ({ job: id, greeting, until, debug, ssh }) =>
      print({ type: 'kept', id, greeting, until, debug, ssh }),
    parked: ({ job: id, bytes, debug }) => print({ type: 'parked', id, bytes, debug }),
    keptOver: (why) => print({ type: 'kept-over', why }),
    finished: (results) =>
      print({ type: 'finished', jobs: results.map(({ name, verdict }) => ({ name, verdict })) }),
    close: () => undefined,
  }
}

function withText(event: JobEvent): object {
  if (event.type !== 'log' && event.type !== 'console') return event
  const { data, ...rest } = event
  return { ...rest, text: data.toString('utf8') }
}
