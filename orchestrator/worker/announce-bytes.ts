import type { JobEvent } from '../../runner/job/job-event.ts'
import type { Bus } from '../bus/bus.ts'

const everyMs = 100

/** Tells followers how far log and console have come, at most ten times a second; the bytes are in the job's folder. */
export function announceBytes({ bus, job }: { bus: Bus; job: string }): {
  onEvent: (event: JobEvent) => void
  end: () => void
} {
  const sizes = { log: 0, console: 0 }
  const told = { log: 0, console: 0 }
  const tell = () => {
    for (const type of ['log', 'console'] as const) {
      if (sizes[type] === told[type]) continue
      told[type] = sizes[type]
      void bus.publish({ type, job, size: sizes[type] })
    }
  }
  const timer = setInterval(tell, everyMs)
  return {
    onEvent: (event) => {
      if (event.type === 'log' || event.type === 'console') sizes[event.type] += event.data.length
    },
    end: () => {
      clearInterval(timer)
      tell()
    },
  }
}
