import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'
import { InfraError } from '../../config/errors.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { EgressRecord } from '../egress/egress-record.ts'
import type { WayOut } from '../egress/way-out.ts'
import { guestPaths } from '../guest/guest-paths.ts'
import { guestSession, type Prepared } from '../guest/guest-session.ts'
import type { Keepsake } from '../keeper/keepsake.ts'
import { letOutlive } from '../keeper/let-outlive.ts'
import type { ConsoleReader } from '../logs/console-reader.ts'
import { type ConsoleFinding, createConsoleWatch } from '../logs/console-watch.ts'
import { openWayIn } from '../own-network/open-way-in.ts'
import { readOwnTraffic } from '../own-network/read-own-traffic.ts'
import { parkMachine } from '../park/park-machine.ts'
import type { ParkedManifest } from '../park/parked-manifest.ts'
import { connectQmp } from '../qemu/connect-qmp.ts'
import { readForwardedPort } from '../qemu/forwarded-port.ts'
import type { QemuSpec } from '../qemu/qemu-spec.ts'
import type { Qmp } from '../qemu/qmp.ts'
import type { QemuProcess } from '../qemu/spawn-qemu.ts'
import type { Scope } from '../scope.ts'
import { scrubGuest } from '../scrub/scrub-guest.ts'
import { connectSsh, type SshLogin } from '../ssh/connect-ssh.ts'
import { GuestLink } from '../ssh/guest-link.ts'
import { waitForBanner } from '../ssh/wait-for-banner.ts'
import type { TemplateSubject } from '../template/template-key.ts'
import { endError } from './end-error.ts'
import { endEvidence } from './end-evidence.ts'
import type { MachinePaths } from './filenames.ts'
import { guarded } from './guarded.ts'
import type {
  ConsoleInput,
  DestroyReport,
  GateTime,
  Machine,
  MachineEnd,
  MachineFacts,
  Outliving,
  WrittenLogin,
} from './machine.ts'
import { createMeter } from './machine-use.ts'
import { memoryKills } from './memory-kills.ts'
import { openConsoleInput } from './open-console-input.ts'
import { stopLadder } from './stop-ladder.ts'
import { createSightings, endOf, noteEvent } from './watch-machine.ts'
import { writeLogin } from './write-login.ts'

type QemuMachineOptions = {
  readonly id: string
  /** Of one that is adopted, with its gates and its port. */
  readonly facts: Omit<MachineFacts, 'gates' | 'sshPort'> & Partial<Pick<MachineFacts, 'gates' | 'sshPort'>>
  readonly qemu: QemuProcess
  readonly reader: ConsoleReader
  readonly login: SshLogin
  readonly host: HostConfig
  /** The proxy of a `web` machine; undefined where there is no way out, or no need of one. */
  readonly wayOut: WayOut | undefined
  readonly prepared: Prepared | undefined
  /** Whether another process started it. @defaultValue false */
  readonly isAdopted?: boolean
  /** What went over its egress proxy before it was adopted. @defaultValue nothing */
  readonly egress?: readonly EgressRecord[]
  /** Whether it runs under a keeper. */
  readonly mayOutlive: boolean
  /** The disks that it stands on. */
  readonly uses: Keepsake['uses']
  readonly spec: QemuSpec
  readonly paths: MachinePaths
  /** What it could be resumed as. */
  readonly subject: TemplateSubject
  /** Everything the machine holds; closed by `destroy`. */
  readonly scope: Scope
  readonly onNote: (text: string) => void
}

/** Facts that are complete once the gates are passed. */
type GrowingFacts = Omit<MachineFacts, 'gates' | 'sshPort'> & {
  gates: GateTime[]
  sshPort: number | undefined
}

const qmpStartMs = 30_000

/** A QEMU process, the guest in it and the SSH connection to it, as one thing with an end. */
export class QemuMachine implements Machine {
  readonly id: string
  readonly facts: GrowingFacts
  readonly console: ConsoleReader
  readonly ended: Promise<MachineEnd>
  readonly link: GuestLink
  readonly prepare: Machine['prepare']
  readonly rehearse: Machine['rehearse']
  readonly addSecrets: Machine['addSecrets']
  readonly upload: Machine['upload']
  readonly putFile: Machine['putFile']
  readonly exec: Machine['exec']
  readonly runStep: Machine['runStep']
  readonly files: Machine['files']
  readonly use: Machine['use']
  readonly #options: QemuMachineOptions
  readonly #workdir: () => string
  readonly #prepared: () => Prepared | undefined
  readonly #seen = createSightings()
  readonly #memoryKills = memoryKills()
  readonly #gone = new AbortController()
  #qmp: Qmp | undefined
  #socket: Socket | undefined
  #destroying: Promise<DestroyReport> | undefined
  #endEarly: ((end: MachineEnd) => void) | undefined

  constructor(options: QemuMachineOptions) {
    this.id = options.id
    this.facts = { sshPort: undefined, ...options.facts, gates: [...(options.facts.gates ?? [])] }
    this.console = options.reader
    this.#options = options
    const watch = createConsoleWatch((finding) => this.#seen.findings.push(finding))
    this.console.listen((chunk) => watch.push(chunk))
    this.ended = this.#watchEnd()
    this.link = new GuestLink({
      port: () => this.facts.sshPort ?? 0,
      login: options.login,
      onConnect: async (client, signal) => await options.wayOut?.attach(client, signal),
    })
    const session = guestSession({
      link: this.link,
      user: options.login.user,
      proxyPort: () => options.wayOut?.port,
      prepared: options.prepared,
      isAdopted: options.isAdopted === true,
      guard: (signal, call) => guarded({ machine: this, signal, call }),
      onNote: options.onNote,
    })
    this.use = createMeter({
      qemu: options.qemu,
      qmp: () => this.#qmp,
      traffic: options.wayOut === undefined ? undefined : () => this.traffic(),
      ownTraffic:
        options.spec.network.sshAddress === undefined ? undefined : () => readOwnTraffic(options.qemu.pid),
    })
    this.#workdir = session.workdir
    this.#prepared = session.prepared
    this.prepare = session.prepare
    this.rehearse = session.rehearse
    this.addSecrets = session.addSecrets
    this.upload = session.upload
    this.putFile = session.putFile
    this.exec = session.exec
    this.runStep = (step, signal) => {
      options.wayOut?.proxy.limit(step.egress ?? {})
      return session.runStep(step, signal)
    }
    this.files = session.files
  }

  get workdir(): string {
    return this.#workdir()
  }

  get pid(): number {
    return this.#options.qemu.pid
  }

  /** What the console has said of the machine so far. */
  get findings(): readonly ConsoleFinding[] {
    return this.#seen.findings
  }

  /** Aborted when the machine ended by itself; its reason is that end as an InfraError. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** Throws where the gate of QMP was not passed. */
  get qmp(): Qmp {
    if (this.#qmp === undefined) throw new Error('expected the QMP gate to come first')
    return this.#qmp
  }

  async openQmp(signal: AbortSignal): Promise<void> {
    await this.connectQmp(signal)
    this.facts.sshPort = await this.#readSshPort(signal)
  }

  async #readSshPort(signal: AbortSignal): Promise<number> {
    const { spec, paths } = this.#options
    const address = spec.network.sshAddress
    const port = await readForwardedPort(this.qmp, { signal, address })
    return address === undefined ? port : await openWayIn({ socket: paths.networkSocket, port, signal })
  }

  async connectQmp(signal: AbortSignal): Promise<void> {
    this.#qmp = await connectQmp({
      path: this.#options.paths.qmpSocket,
      signal,
      deadline: Date.now() + qmpStartMs,
      onEvent: (event) => {
        const end = noteEvent(this.#seen, event)
        if (end !== undefined) this.#endEarly?.(end)
      },
    })
  }

  async waitForBanner(signal: AbortSignal): Promise<void> {
    this.#socket = await waitForBanner({ port: this.facts.sshPort ?? 0, signal })
  }

  async login(signal: AbortSignal): Promise<void> {
    if (this.#socket === undefined) throw new Error('expected the banner gate to come before the auth gate')
    const client = await connectSsh({ socket: this.#socket, login: this.#options.login, signal })
    await this.link.adopt(client, signal)
  }

  /** The lines that show how it ended. */
  evidenceOf(end: MachineEnd): string[] {
    const { findings, console } = this
    return endEvidence({ end, findings, console, memoryKills: memoryKills() - this.#memoryKills })
  }

  /** The end of the machine, if it comes within `ms`. */
  endWithin(ms: number): Promise<MachineEnd | undefined> {
    return Promise.race([this.ended, sleep(ms, undefined, { ref: false })])
  }

  async forgetSecrets(secrets: readonly string[], signal: AbortSignal): Promise<void> {
    const { code } = await this.exec(`rm -f ${guestPaths.secrets}; sync`, signal)
    if (code !== 0)
      throw new InfraError('ssh-lost', 'the file of the secrets could not be removed from the guest')
    const { spec } = this.#options
    const { pid, qmp } = this
    // Its memory is its template's but for what it has written to.
    const cloned = spec.memoryFile?.use === 'private'
    await scrubGuest({ qmp, pid, memory: spec.memory, cloned, disk: spec.disk.path, secrets, signal })
  }

  visit(signal: AbortSignal): Promise<Client> {
    return this.link.open(signal)
  }

  park(jobFolder: string, signal: AbortSignal): Promise<ParkedManifest> {
    const { spec, subject, paths: places } = this.#options
    return parkMachine({ machine: this, spec, subject, places, jobFolder, signal })
  }

  openConsole(signal: AbortSignal): Promise<ConsoleInput> {
    return guarded({ machine: this, signal, call: () => openConsoleInput(this.#options.paths.serialSocket) })
  }

  writeLogin(): Promise<WrittenLogin> {
    const { login, paths } = this.#options
    return writeLogin({ folder: paths.runFolder, login, port: this.facts.sshPort ?? 0 })
  }

  async outlive(terms: Outliving): Promise<boolean> {
    const { mayOutlive, login, spec, uses, wayOut, subject, paths, qemu, scope } = this.#options
    if (!mayOutlive || this.#destroying !== undefined) return false
    const { id, facts } = this
    const { image, resources, accel, qemu: program } = subject
    const keepsake = {
      ...{ facts, login, spec, uses, prepared: this.#prepared() },
      subject: { image, resources, accel, qemu: program },
      proxyPort: wayOut?.port,
      consoleRead: this.console.read,
    }
    return await letOutlive({ id, keepsake, terms, leaseFile: paths.lease, qemu: qemu.identity, scope })
  }

  traffic(): EgressRecord[] {
    const { egress = [], wayOut } = this.#options
    return [...egress, ...(wayOut?.proxy.record() ?? [])]
  }

  destroy(how: 'graceful' | 'now' = 'now'): Promise<DestroyReport> {
    this.#destroying ??= this.#destroy(how)
    return this.#destroying
  }

  async #destroy(how: 'graceful' | 'now'): Promise<DestroyReport> {
    this.#seen.stopping = true
    this.link.close()
    this.#socket?.destroy()
    const { qemu, host, scope } = this.#options
    const report = await stopLadder({
      machine: {
        exited: qemu.exited,
        kill: qemu.kill,
        powerdown: async () => await this.#qmp?.execute('system_powerdown'),
      },
      times: host.stop,
      how,
    })
    this.#qmp?.close()
    this.#options.wayOut?.close()
    await scope.close()
    return report
  }

  async #watchEnd(): Promise<MachineEnd> {
    const early = new Promise<MachineEnd>((resolve) => {
      this.#endEarly = resolve
    })
    const end = await Promise.race([
      early,
      this.#options.qemu.exited.then(async (exit) => {
        // The last words of console and QMP are read a moment after the process is gone.
        await sleep(150)
        return endOf(this.#seen, exit)
      }),
    ])
    if (end.kind !== 'stopped') this.#gone.abort(endError(end, this.evidenceOf(end)))
    return end
  }
}
