import { type JobLog, logSize } from './job-log.ts'

const blockBytes = 64 * 1024
/** However long its lines are, a tail is not the whole log. */
const mostBytes = 16 * 1024 * 1024

/** Byte offset at which the last `lines` lines of a log begin; read from its end, so that its length does not matter. */
export async function tailOffset(log: JobLog, lines: number): Promise<number> {
  const size = await logSize(log)
  if (size === 0 || lines < 1) return size
  let left = lines
  let end = size
  while (end > 0 && size - end < mostBytes) {
    const start = Math.max(0, end - blockBytes)
    const block = await log.files.read(log.name, { start, end })
    for (let at = block.length - 1; at >= 0; at--) {
      const isLast = start + at === size - 1
      if (block[at] === 10 && !isLast && --left === 0) return start + at + 1
    }
    end = start
  }
  return end
}
