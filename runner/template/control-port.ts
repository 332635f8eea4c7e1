import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { InfraError } from '../../config/errors.ts'
import { untilAborted } from '../until-aborted.ts'

/** What the program in a template's guest is asked, see `thaw.py`. */
export type ControlOrder =
  | { readonly do: 'arm'; readonly user: string; readonly id: string }
  | ({ readonly do: 'thaw' } & Identity)

/** Who a clone is to be. */
export type Identity = {
  /** hex, credited to the kernel's generator bit by bit */
  readonly entropy: string
  /** seconds since 1970, with a fraction */
  readonly time: number
  /** 32 hex digits */
  readonly machine_id: string
  readonly hostname: string
  readonly files: readonly GuestFile[]
  /** Run by `sh -s` as root after the files are in place; may be empty. */
  readonly script: string
}

export type GuestFile = {
  readonly path: string
  readonly owner: string
  /** octal, such as `0600` */
  readonly mode: string
  readonly content: string
  /** At the end of what is there, if anything is. */
  readonly add?: boolean
}

const maxAnswer = 64 * 1024

/** The host's end of a machine's control port. */
export class ControlPort {
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
    // A broken port shows as an answer that does not come.
    socket.on('error', () => undefined)
  }

  static async open(path: string): Promise<ControlPort> {
    const socket = connect(path)
    await once(socket, 'connect')
    return new ControlPort(socket)
  }

  /**
   * Asks, and waits for the answer.
   *
   * @throws {InfraError} of class `boot` when the guest says no or hangs up; the signal's reason on abort
   */
  async ask(order: ControlOrder, signal: AbortSignal): Promise<void> {
    this.#socket.write(`${JSON.stringify(order)}\n`)
    const said = parseAnswer(await untilAborted(this.#readLine(), signal))
    if (said.ok) return
    throw new InfraError('boot', `the guest could not ${order.do} its template: ${said.why}`)
  }

  close(): void {
    this.#socket.destroy()
  }

  async #readLine(): Promise<string> {
    let text = ''
    for await (const chunk of this.#socket.iterator({ destroyOnReturn: false })) {
      text += String(chunk)
      if (text.includes('\n')) return text.slice(0, text.indexOf('\n'))
      if (text.length > maxAnswer) break
    }
    throw new InfraError(
      'boot',
      `expected an answer on the control port, got ${text.length} bytes without one`,
    )
  }
}

// The guest is not ours once a job runs in it, and its answer is bounded and read as data.
function parseAnswer(line: string): { ok: boolean; why: string } {
  try {
    const { ok, why } = JSON.parse(line) as { ok?: unknown; why?: unknown }
    return { ok: ok === true, why: String(why ?? 'it did not say why').slice(0, 500) }
  } catch {
    return { ok: false, why: `it said ${JSON.stringify(line.slice(0, 200))}` }
  }
}
