import type { EgressRecord } from '../egress/egress-record.ts'
import type { Machine, MachineEnd, RemoteFiles } from '../machine/machine.ts'

type Recording = {
  /** The machine in which the setup runs. */
  readonly recorder: Machine
  /** Freezes that one and gives the machine to go on with. */
  readonly keep: (signal: AbortSignal) => Promise<{ machine: Machine; result: KeepResult }>
  /** Called once, when nothing will be kept any more or it has been; never rejects. */
  readonly onOver: () => Promise<void>
}

export type KeepResult = 'kept' | 'to-run-again'

/** A machine that can keep what its setup made: seen from its job it stays one machine, with one end. */
export class RecordingMachine implements Machine {
  readonly ended: Promise<MachineEnd>
  readonly files: RemoteFiles
  readonly #recording: Recording
  readonly #destroyed = new AbortController()
  #current: Machine
  #past: EgressRecord[] = []
  #keeping: Promise<KeepResult> | undefined
  #over: Promise<void> | undefined
  #tellEnd: (end: MachineEnd) => void = () => undefined

  constructor(recording: Recording) {
    this.#recording = recording
    this.#current = recording.recorder
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve
    })
    this.#follow(recording.recorder)
    this.files = {
      list: (directory, signal) => this.#current.files.list(directory, signal),
      stat: (path, signal) => this.#current.files.stat(path, signal),
      realpath: (path, signal) => this.#current.files.realpath(path, signal),
      read: (path, signal) => this.#current.files.read(path, signal),
    }
  }

  get id() {
    return this.#current.id
  }

  get facts() {
    return this.#current.facts
  }

  get console() {
    return this.#current.console
  }

  get workdir() {
    return this.#current.workdir
  }

  readonly prepare: Machine['prepare'] = (preparation, signal) => this.#current.prepare(preparation, signal)
  readonly rehearse: Machine['rehearse'] = (signal) => this.#current.rehearse(signal)
  readonly upload: Machine['upload'] = (tar, signal) => this.#current.upload(tar, signal)
  readonly putFile: Machine['putFile'] = (path, content, mode, signal) =>
    this.#current.putFile(path, content, mode, signal)
  readonly exec: Machine['exec'] = (command, signal) => this.#current.exec(command, signal)
  readonly addSecrets: Machine['addSecrets'] = (secrets, signal) => this.#current.addSecrets(secrets, signal)
  readonly forgetSecrets: Machine['forgetSecrets'] = (secrets, signal) =>
    this.#current.forgetSecrets(secrets, signal)
  readonly visit: Machine['visit'] = (signal) => this.#current.visit(signal)
  readonly park: Machine['park'] = (jobFolder, signal) => this.#current.park(jobFolder, signal)
  readonly openConsole: Machine['openConsole'] = (signal) => this.#current.openConsole(signal)
  readonly writeLogin: Machine['writeLogin'] = () => this.#current.writeLogin()
  readonly outlive: Machine['outlive'] = (terms) => this.#current.outlive(terms)
  readonly runStep: Machine['runStep'] = (step, signal) => this.#current.runStep(step, signal)

  keepSetup(signal: AbortSignal): Promise<KeepResult> {
    this.#keeping ??= this.#keep(signal)
    return this.#keeping
  }

  dropSetup(): Promise<void> {
    return this.#endRecording()
  }

  traffic(): EgressRecord[] {
    return [...this.#past, ...this.#current.traffic()]
  }

  use() {
    return this.#current.use()
  }

  async destroy(how?: 'graceful' | 'now') {
    this.#destroyed.abort(new Error('the machine is destroyed'))
    await this.#keeping?.catch(() => undefined)
    const over = this.#endRecording()
    try {
      return await this.#current.destroy(how)
    } finally {
      await over
    }
  }

  async #keep(signal: AbortSignal): Promise<KeepResult> {
    const { recorder, keep } = this.#recording
    try {
      const { machine, result } = await keep(AbortSignal.any([signal, this.#destroyed.signal]))
      this.#past = recorder.traffic()
      this.#current = machine
      this.#follow(machine)
      return result
    } catch (error) {
      void recorder.ended.then(this.#tellEnd)
      throw error
    } finally {
      await this.#endRecording()
    }
  }

  #endRecording(): Promise<void> {
    this.#over ??= this.#recording.onOver()
    return this.#over
  }

  /** The end of a machine that was frozen is no end. */
  #follow(machine: Machine): void {
    void machine.ended.then((end) => {
      const isBeingKept = machine === this.#recording.recorder && this.#keeping !== undefined
      if (machine === this.#current && !isBeingKept) this.#tellEnd(end)
    })
  }
}
