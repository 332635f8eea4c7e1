import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { packageRoot } from '../../images/package-root.ts'

/** A process of a benchmark that is told things on standard input and answers in lines of JSON. */
export function startChild(file: string, order: object) {
  const path = join(import.meta.dirname, file)
  const child = execa(process.execPath, ['--import', 'tsx', path, JSON.stringify(order)], {
    cwd: packageRoot(),
    stderr: 'inherit',
    buffer: false,
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextLine = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${file} ended before its answer`)
    return value
  }
  return {
    tell: (line: string) => child.stdin.write(`${line}\n`),
    nextLine,
    next: async <T>() => JSON.parse(await nextLine()) as T,
    end: async () => {
      child.stdin.end()
      await child
    },
  }
}
