import type { Readable } from 'node:stream'
import type { Client } from 'ssh2'
import type { EgressLimit } from '../egress/egress-proxy.ts'
import type { EgressRecord } from '../egress/egress-record.ts'
import type { ParkedManifest } from '../park/parked-manifest.ts'

/**
 * One running VM, as a job sees it. A machine is made for one job, used by it alone and destroyed.
 *
 * Call order: `prepare`, then any of `upload`, `putFile`, `exec`, `runStep` and `files` one after the other,
 * then `destroy`. `destroy` may be called at any moment, also while another call is under way, which then rejects;
 * it is idempotent. Every method that waits takes the job's one AbortSignal and rejects with its reason.
 * What the guest answers is never trusted: lengths, names and statuses are bounded and checked by the caller's side.
 */
export type Machine = {
  readonly id: string
  readonly facts: MachineFacts
  readonly console: Console
  /** Absolute path in the guest, once it is prepared. */
  readonly workdir: string
  /** Settles once, when QEMU is gone or the guest can go no further; never rejects. */
  readonly ended: Promise<MachineEnd>
  /**
   * Sets up what every step needs in the guest: working directory, environment, proxy. Called again before the first
   * step, it changes the environment, which takes a few milliseconds.
   */
  prepare(preparation: Preparation, signal: AbortSignal): Promise<void>
  /**
   * Makes what a job does first quick, in a machine that is prepared and that nobody waits for. May be left out;
   * leaves nothing that a step could find.
   */
  rehearse(signal: AbortSignal): Promise<void>
  /** Puts a tar stream over SFTP and unpacks it in the working directory; returns the bytes sent. */
  upload(tar: Readable, signal: AbortSignal): Promise<{ bytes: number }>
  /** Writes one file in the guest; the mode is set explicitly and a failed chmod rejects. */
  putFile(path: string, content: Buffer, mode: number, signal: AbortSignal): Promise<void>
  /** A short control command, run by the login user through `sh -c`; output bounded to 1 MiB. */
  exec(command: string, signal: AbortSignal): Promise<ExecResult>
  /** Gives the steps from now on these values too; they only ever lie in the guest's memory. */
  addSecrets(secrets: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>
  /**
   * Removes secrets from the guest for good, from its memory and its disk, before somebody else comes in. Nothing that
   * runs in it can use them afterwards.
   */
  forgetSecrets(secrets: readonly string[], signal: AbortSignal): Promise<void>
  /** A connection to the machine beside the job's own, as its login user; whoever asked for it ends it. */
  visit(signal: AbortSignal): Promise<Client>
  /**
   * Freezes the machine into the folder of its job, from which `resumeMachine` brings it back as it stood, and ends it.
   * To be called when its secrets are gone and nobody visits it; where it rejects, the machine is still to be destroyed.
   */
  park(jobFolder: string, signal: AbortSignal): Promise<ParkedManifest>
  /** The way to type on the serial console, for one at a time; whoever asked for it closes it. */
  openConsole(signal: AbortSignal): Promise<ConsoleInput>
  /**
   * Writes what another program of this user needs to log in, for its owner alone, into the folder of the machine's
   * sockets, where it is gone with the machine.
   */
  writeLogin(): Promise<WrittenLogin>
  /**
   * Lets the machine go on where this process ends without destroying it, until `adoptMachine` takes it up or the terms
   * are over; called again, it replaces the terms. False where this host has no place for what has to be kept for that,
   * or the machine was not started under a keeper: it then ends with this process.
   */
  outlive(terms: Outliving): Promise<boolean>
  /** Runs a step to its end, across broken connections, and hands over every byte of its output once. */
  runStep(step: StepCommand, signal: AbortSignal): Promise<StepExit>
  readonly files: RemoteFiles
  /**
   * Freezes the machine, whose setup has just run, and goes on as a clone of that. Only there where `facts.checkpoint`
   * says `to-keep`. `to-run-again`: it could not be frozen, and the machine is another in which nothing has run.
   */
  keepSetup?(signal: AbortSignal): Promise<'kept' | 'to-run-again'>
  /** In the place of `keepSetup`, where the setup failed: who waits for what it makes waits no more. */
  dropSetup?(): Promise<void>
  /** What the machine did over its egress proxy so far; empty where it has none. */
  traffic(): EgressRecord[]
  /** What it has taken of this host since it was started; undefined where it is gone. Never rejects. */
  use(): Promise<MachineUse | undefined>
  /** Ends the machine and frees what it holds; says which rung of the stop ladder worked. */
  destroy(how?: 'graceful' | 'now'): Promise<DestroyReport>
}

/** How this machine was started, for the header of the job's log. Times in milliseconds. */
export type MachineFacts = {
  readonly image: string
  readonly imageDigest: string
  readonly accel: 'kvm' | 'tcg'
  readonly accelReason: string
  readonly strategy: 'cold' | 'pool' | 'template' | 'checkpoint' | 'parked' | 'fake'
  /** Why not in a faster way; undefined where there is none. */
  readonly strategyReason?: string | undefined
  /** A template was tried first and did not start. */
  readonly templateFailed?: boolean
  /** Of a machine whose job has a `setup`. */
  readonly checkpoint?: CheckpointFacts | undefined
  readonly cpus: number
  /** bytes */
  readonly memory: number
  /** bytes */
  readonly disk: number
  readonly network: 'none' | 'web' | 'internet'
  /** What holds QEMU, and what could not be applied; a line for the header of the log. */
  readonly confinement?: string | undefined
  readonly pid: number | undefined
  readonly sshPort: number | undefined
  readonly keyFingerprint: string
  readonly customUserData: boolean
  readonly gates: readonly GateTime[]
}

/** What a machine has taken of its host since it was started, as the host sees it. */
export type MachineUse = {
  /** Milliseconds of processor time, of all its processors and of QEMU's own work. */
  readonly cpuMs: number
  /** Bytes of this host's memory that it holds now, and the most that it ever held. */
  readonly memory: number
  readonly memoryPeak: number
  /** Bytes that the guest read from its disk and wrote to it. */
  readonly diskRead: number
  readonly diskWritten: number
  /** Bytes that went out and came in over its egress proxy or by its own network; undefined where it has neither. */
  readonly netSent: number | undefined
  readonly netReceived: number | undefined
}

/** What becomes of the `setup` of a job, and the checkpoint that it is or will be. */
export type CheckpointFacts =
  /** It was run before, by that build; `made` is ISO 8601. */
  | { readonly state: 'restored'; readonly key: string; readonly made: string; readonly build: string }
  /** It is run in this machine, which is then frozen. */
  | { readonly state: 'to-keep'; readonly key: string; readonly reason: string }
  /** It was run in the machine that this one goes on from. */
  | { readonly state: 'kept'; readonly key: string; readonly freezeMs: number }
  /** It is run for this job alone. */
  | { readonly state: 'none'; readonly reason: string }

export type GateTime = { readonly name: string; readonly ms: number }

/** Why a machine is no more. `stopped` is ours; the others are for the verdict. */
export type MachineEnd =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'guest-panic'; readonly message: string }
  | { readonly kind: 'guest-oom'; readonly message: string }
  | { readonly kind: 'powered-off'; readonly message: string }
  | { readonly kind: 'host-disk-full'; readonly message: string }
  /** `signal`: of whoever killed it; undefined where QEMU ended by itself. */
  | { readonly kind: 'killed'; readonly message: string; readonly signal?: string }

/** The boot console: one reader on the host's side, any number of listeners. */
export type Console = {
  /** Calls back with the console's bytes from the first on; returns what ends it. */
  listen(onData: (chunk: Buffer) => void): () => void
  /** The last `count` lines, control bytes and escape sequences removed. */
  tail(count: number): string[]
}

/** What is typed on the serial console. What the machine answers is on its `console`, for all who listen. */
export type ConsoleInput = {
  /** Resolves when there is room for more; rejects when the console is closed. One call after the other. */
  write(chunk: Buffer): Promise<void>
  close(): void
}

export type Preparation = {
  /** Absolute path of the working directory; made, and owned by the login user. */
  readonly workdir: string
  /** Environment of every step, without secrets. */
  readonly env: Readonly<Record<string, string>>
}

/** How `ssh` on this computer gets in. Paths are absolute. */
export type WrittenLogin = {
  /** The machine's run folder. */
  readonly folder: string
  readonly user: string
  /** On 127.0.0.1. */
  readonly port: number
  readonly keyFile: string
  readonly knownHostsFile: string
}

/** On which terms a machine goes on without the process that answers for it. */
export type Outliving = {
  /** Of whoever takes it up; JSON. It lies in memory, for its owner alone, and may hold secrets. */
  readonly note: unknown
  /** Milliseconds without anybody. */
  readonly graceMs: number
  /** By `monotonicMs`, when it ends whatever its grace; undefined for never. */
  readonly until?: number | undefined
}

export type ExecResult = { readonly code: number; readonly stdout: Buffer; readonly stderr: Buffer }

export type StepCommand = {
  /** Position in the job, from 0; names the step's folder in the guest, so a repeated call rejoins it. */
  readonly index: number
  readonly name: string
  readonly script: string
  /** Interpreter and its flags, such as `sh -e`. */
  readonly shell: string
  /** Of this step alone, over the job's. */
  readonly env: Readonly<Record<string, string>>
  readonly onOutput: (chunk: Buffer) => void | Promise<void>
  /** milliseconds; undefined for none but the job's own */
  readonly timeout: number | undefined
  /** Bytes of its output that were heard before, in another process. @defaultValue 0 */
  readonly heard?: number
  /** What holds for its way out beside the host's policy, of a machine with a proxy. @defaultValue nothing */
  readonly egress?: EgressLimit | undefined
}

export type StepExit =
  | { readonly kind: 'exited'; readonly code: number; readonly diskFull: boolean }
  /** Its shell was killed inside the machine before it could leave a status. */
  | { readonly kind: 'killed' }
  /** `answers`: the guest still does what it is told. */
  | { readonly kind: 'timed-out'; readonly timeout: number; readonly answers: boolean }

/** The guest's files as its SFTP server tells them, hostile or not. */
export type RemoteFiles = {
  list(directory: string, signal: AbortSignal): Promise<RemoteEntry[]>
  /** Undefined where there is nothing. Links are not followed. */
  stat(path: string, signal: AbortSignal): Promise<RemoteEntry | undefined>
  realpath(path: string, signal: AbortSignal): Promise<string>
  /** Bytes from the start to the end of file, however long it says it is. */
  read(path: string, signal: AbortSignal): Readable
}

export type RemoteEntry = {
  readonly name: string
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly size: number
  /** permission bits, such as 0o755 */
  readonly mode: number
}

export type StopRung = 'powerdown' | 'term' | 'kill' | 'already-gone'

export type DestroyReport = { readonly rung: StopRung; readonly ms: number }
