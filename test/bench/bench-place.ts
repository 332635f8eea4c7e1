import { join } from 'node:path'
import { execa } from 'execa'
import { packageRoot } from '../../images/package-root.ts'
import { type BenchHost, openBenchHost } from './bench-host.ts'

/** What a benchmark may use; what takes long is made when the first one asks for it. */
export type BenchPlace = {
  /** For whatever a benchmark makes; removed at the end. */
  readonly folder: string
  /** Bytes of the long logs. */
  readonly logBytes: number
  /** An image on the shelf, and machines of it. */
  host(): Promise<BenchHost>
  /** Builds the `mayfly` that users run, and gives the path of its file. */
  command(): Promise<string>
}

export function createBenchPlace({ folder, logBytes }: Pick<BenchPlace, 'folder' | 'logBytes'>): BenchPlace {
  return { folder, logBytes, host: once(() => openBenchHost(folder)), command: once(build) }
}

async function build(): Promise<string> {
  const root = packageRoot()
  await execa('npm', ['run', '--silent', 'build'], { cwd: root })
  return join(root, 'dist', 'orchestrator', 'command', 'main.js')
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
