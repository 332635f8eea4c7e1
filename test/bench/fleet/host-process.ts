import { once } from 'node:events'
import { join } from 'node:path'
import { execa } from 'execa'
import { packageRoot } from '../../../images/package-root.ts'
import type { HostsOrder } from './hosts-child.ts'

export type HostProcess = {
  /** Has its hosts take jobs. */
  go(): void
  /** As a host that loses its power. */
  kill(): Promise<void>
  /** Stands still, as a host that is cut off or asleep. */
  freeze(): void
  /** Goes on after that. */
  thaw(): void
  /** Lets it end in good order, for half a minute at most. */
  end(): Promise<void>
}

const endMs = 30_000

/**
 * Loads hosts in a process of their own, which also ends where this one does. Resolves when they may go.
 * @param profile folder in which the process writes where its time went
 */
export async function loadHosts(order: HostsOrder, profile?: string): Promise<HostProcess> {
  const profiling = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile]
  const file = join(import.meta.dirname, 'hosts-child.ts')
  const child = execa(process.execPath, [...profiling, '--import', 'tsx', file, JSON.stringify(order)], {
    cwd: packageRoot(),
    stderr: 'inherit',
    buffer: false,
    reject: false,
  })
  const ended = child.then(({ exitCode }) => {
    throw new Error(`expected hosts ${order.names.join(', ')}, got a process that ended with ${exitCode}`)
  })
  await Promise.race([once(child.stdout, 'data'), ended])
  ended.catch(() => undefined)
  return {
    go: () => void child.stdin.write('go\n'),
    kill: async () => {
      child.kill('SIGKILL')
      await child
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    end: async () => {
      const late = setTimeout(() => child.kill('SIGKILL'), endMs)
      child.stdin.end()
      await child
      clearTimeout(late)
    },
  }
}
