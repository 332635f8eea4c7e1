import type { Duplex } from 'node:stream'
import { type FailureClass, InfraError } from '../../config/errors.ts'
import { lineSplitter } from './qmp-lines.ts'
import { parseQmpMessage, type QmpEvent, type QmpMessage } from './qmp-message.ts'

export type QmpOptions = {
  /** Aborting gives up on the answer, not on the command. */
  readonly signal?: AbortSignal | undefined
  /** @defaultValue 10,000 ms */
  readonly timeoutMs?: number | undefined
  /** What it means for the job when the command is refused or not answered. @defaultValue 'boot' */
  readonly failure?: FailureClass | undefined
}

/**
 * A QMP connection to one QEMU. Commands may overlap; each answer finds its command by its id.
 *
 * @see https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
export class Qmp {
  /** Settles when the connection is gone, whoever ended it; never rejects. */
  readonly closed: Promise<void>
  readonly #socket: Duplex
  readonly #pending = new Map<number, Pending>()
  readonly #listeners = new Set<(event: QmpEvent) => void>()
  #lastId = greetingId
  #gone: InfraError | undefined

  /** Takes over a connected socket; `negotiate` comes next. */
  constructor(socket: Duplex) {
    this.#socket = socket
    const split = lineSplitter()
    socket.on('data', (chunk: Buffer) => this.#receive(() => split(chunk)))
    socket.on('error', (cause) => this.#end(gone('a broken connection', cause)))
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end(gone('a closed connection'))
        resolve()
      })
    })
  }

  /** Waits for the greeting and enters command mode. Call once, right after the constructor. */
  async negotiate(options: QmpOptions = {}): Promise<void> {
    await this.#answer(greetingId, 'greeting', options)
    await this.execute('qmp_capabilities', undefined, options)
  }

  /**
   * Runs one command and gives what it returns.
   *
   * @throws {InfraError} when QEMU refuses it, does not answer in time or goes away; the signal's reason on abort
   */
  async execute(
    command: string,
    args?: Readonly<Record<string, unknown>>,
    options: QmpOptions = {},
  ): Promise<unknown> {
    this.#lastId += 1
    const answer = this.#answer(this.#lastId, command, options)
    if (!this.#gone)
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id: this.#lastId })}\n`)
    return await answer
  }

  /** Runs a line of the human monitor and gives its text; such a line fails in words, not with an error. */
  async humanMonitor(line: string, options: QmpOptions = {}): Promise<string> {
    return String(await this.execute('human-monitor-command', { 'command-line': line }, options))
  }

  /** Calls back for every event from now on; returns what ends it. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Ends the connection, not QEMU. Idempotent. */
  close(): void {
    this.#end(gone('a connection that we closed'))
  }

  #answer(
    id: number,
    command: string,
    { signal, timeoutMs = 10_000, failure = 'boot' }: QmpOptions,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = (settled: () => void) => {
        this.#pending.delete(id)
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        settled()
      }
      const fail = (error: unknown) => settle(() => reject(error))
      const onAbort = () => fail(signal?.reason)
      const timer = setTimeout(() => fail(unanswered(command, timeoutMs, failure)), timeoutMs)
      this.#pending.set(id, {
        command,
        failure,
        resolve: (value) => settle(() => resolve(value)),
        reject: fail,
      })
      signal?.addEventListener('abort', onAbort)
      if (signal?.aborted) onAbort()
      else if (this.#gone) fail(this.#gone)
    })
  }

  // What does not parse is not QEMU, and nothing after it can be trusted.
  #receive(lines: () => string[]): void {
    if (this.#gone) return
    try {
      for (const line of lines()) {
        if (line.trim() !== '') this.#dispatch(parseQmpMessage(line))
      }
    } catch (error) {
      if (!(error instanceof InfraError)) throw error
      this.#end(error)
    }
  }

  // An answer to an id that nobody waits for belongs to a command that was given up.
  #dispatch(message: QmpMessage): void {
    if (message.kind === 'event') {
      for (const listener of this.#listeners) listener(message.event)
      return
    }
    const pending = this.#pending.get(message.kind === 'greeting' ? greetingId : (message.id ?? -1))
    if (message.kind === 'greeting') pending?.resolve(undefined)
    else if (message.kind === 'return') pending?.resolve(message.value)
    else pending?.reject(refused(pending, message.error))
  }

  #end(reason: InfraError): void {
    this.#gone ??= reason
    for (const pending of [...this.#pending.values()]) pending.reject(this.#gone)
    this.#socket.destroy()
  }
}

const greetingId = 0

type Pending = {
  readonly command: string
  readonly failure: FailureClass
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

function refused({ command, failure }: Pending, error: { class: string; desc: string }): InfraError {
  return new InfraError(failure, `Expected QEMU to run ${command}, got ${error.class}: ${error.desc}`)
}

function unanswered(command: string, timeoutMs: number, failure: FailureClass): InfraError {
  return new InfraError(
    failure,
    `Expected an answer of QEMU to ${command} within ${timeoutMs} ms, got none`,
    {
      hint: 'The host may be overloaded; look at its load and memory.',
    },
  )
}

function gone(got: string, cause?: unknown): InfraError {
  return new InfraError('machine-died', `Expected QEMU on its QMP socket, got ${got}`, {
    hint: 'Look at qemu.log in the folder of the machine.',
    cause,
  })
}
