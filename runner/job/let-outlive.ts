import type { Machine } from '../machine/machine.ts'
import type { JobLife } from './job-life.ts'
import type { JobNote } from './job-note.ts'

/**
 * Lets a job's machine outlive this process, where its order says so: it has the job's files by now, so another process
 * can go on with it. `clockBegan` as in `JobNote`.
 */
export async function letOutlive(
  { order, timeline }: JobLife,
  machine: Machine,
  clockBegan: number,
): Promise<void> {
  if (order.outlive === undefined) return
  const { note, graceMs, onOutlives } = order.outlive
  await timeline.flushLog()
  const life: JobNote = {
    started: timeline.started,
    began: timeline.began,
    clockBegan,
    logSize: timeline.logSize(),
    console: timeline.consoleMark(),
  }
  if (await machine.outlive({ note: { ...note, life }, graceMs })) return onOutlives?.()
  const message = 'this job ends with the server: the host has no memory-backed /dev/shm for its key'
  timeline.emit({ type: 'note', message })
}
