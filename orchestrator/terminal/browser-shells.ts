import { randomBytes } from 'node:crypto'
import { InfraError } from '../../config/errors.ts'
import { type BrowserShell, openBrowserShell, type ShellLimits } from './browser-shell.ts'
import type { Entered, EnterOrder } from './enter-gateway.ts'

export type BrowserShells = {
  /**
   * Opens a shell in a machine, or the way to its console.
   *
   * @param holder id of the token that it belongs to
   * @throws {InfraError} beyond the limits, and where the gateway says no
   */
  open(holder: string, order: EnterOrder): Promise<BrowserShell>
  /** One that is open still, or has ended without its browser being told; only its own token finds it. */
  find(sought: Place & { readonly id: string; readonly holder: string }): BrowserShell | undefined
  /** Ends all. */
  close(): void
}

type Place = Pick<EnterOrder, 'job' | 'use'>
type Entry = Place & { readonly holder: string; shell?: BrowserShell }

type Limits = ShellLimits & {
  /** Shells of one token, and of all. */
  readonly ofToken: number
  readonly inAll: number
}

type Options = {
  readonly enter: (order: EnterOrder) => Promise<Entered>
  readonly limits?: Partial<Limits>
}

export const defaultShellLimits: Limits = {
  keptBytes: 256 * 1024,
  unshownBytes: 128 * 1024,
  frameBytes: 16 * 1024,
  ofToken: 8,
  inAll: 64,
}

/** The shells that browsers have in kept machines, those included whose browser is away for a moment. */
export function createBrowserShells({ enter, ...options }: Options): BrowserShells {
  const limits = { ...defaultShellLimits, ...options.limits }
  const entries = new Set<Entry>()
  let isClosed = false

  const checkRoom = (holder: string) => {
    const own = [...entries].filter((entry) => entry.holder === holder).length
    if (own >= limits.ofToken) throw full(`this token has ${own} of ${limits.ofToken} terminals already`)
    if (entries.size >= limits.inAll) throw full(`all ${limits.inAll} terminals of this server are taken`)
  }

  return {
    async open(holder, order) {
      checkRoom(holder)
      const entry: Entry = { holder, job: order.job, use: order.use }
      entries.add(entry)
      const forget = () => void entries.delete(entry)
      try {
        const entered = await enter(order)
        // It has 128 bits from the system's generator: whoever has it was given it.
        const id = randomBytes(16).toString('base64url')
        entry.shell = openBrowserShell({ id, until: order.hold.until, entered, limits, onGone: forget })
        if (isClosed) entry.shell.end('the server stops')
        return entry.shell
      } catch (error) {
        forget()
        throw error
      }
    },
    find({ id, holder, job, use }) {
      const found = [...entries].find(
        (entry) =>
          entry.shell?.id === id && entry.holder === holder && entry.job === job && entry.use === use,
      )
      return found?.shell
    },
    close() {
      isClosed = true
      for (const { shell } of entries) shell?.end('the server stops')
    },
  }
}

function full(message: string): InfraError {
  return new InfraError('ssh-lost', message, { hint: 'close another terminal first' })
}
