import { mkdir } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'
import { InfraError } from '../config/errors.ts'
import type { EgressRecord } from '../runner/egress/egress-record.ts'
import { endError } from '../runner/machine/end-error.ts'
import type {
  ExecResult,
  Machine,
  MachineEnd,
  MachineFacts,
  MachineUse,
  Outliving,
  Preparation,
  StepCommand,
  StepExit,
  WrittenLogin,
} from '../runner/machine/machine.ts'
import { parkedFolder } from '../runner/park/filenames.ts'
import { type ParkedManifest, writeParkedManifest } from '../runner/park/parked-manifest.ts'
import { timeLimit } from '../runner/time-limit.ts'
import { untilAborted } from '../runner/until-aborted.ts'
import { aParkedManifest } from './a-parked-manifest.ts'
import { createFakeConsole, type FakeConsole } from './fake-console.ts'
import { createFakeFiles, type FakeFile } from './fake-files.ts'
import { type Unpacked, unpack } from './runner/source/unpack.ts'

/** What a step does, in this order. Nothing said: it prints nothing and passes. */
export type FakeStep = {
  /** Its output; a number is a pause of so many milliseconds. */
  readonly prints?: readonly (string | Buffer | number)[]
  /** What the kernel says on the console meanwhile. */
  readonly console?: string
  /** Its exit code. @defaultValue 0 */
  readonly exits?: number
  /** Whether the guest's disk is full by then. @defaultValue false */
  readonly diskFull?: boolean
  /** Takes the place of an exit. */
  readonly instead?: 'killed' | FakeFault
}

/** Never answers until it is aborted; or ends the whole machine; or fails with an error. */
export type FakeFault = 'hang' | MachineEnd | Error

/** A call of the machine, as it stands in `calls`. Those of `files` and `console` are named after their method. */
export type FakeCall =
  | 'prepare'
  | 'rehearse'
  | 'upload'
  | 'putFile'
  | 'exec'
  | 'addSecrets'
  | 'forgetSecrets'
  | 'visit'
  | 'park'
  | 'openConsole'
  | 'writeLogin'
  | 'outlive'
  | 'runStep'
  | 'list'
  | 'stat'
  | 'realpath'
  | 'read'
  | 'destroy'

export type FakeMachineOptions = {
  readonly id?: string
  readonly facts?: Partial<MachineFacts>
  /** What steps do, by their name or their script, or from the whole command. */
  readonly steps?: Readonly<Record<string, FakeStep>> | ((step: StepCommand) => FakeStep)
  /** What lies in the guest, by its path below the working directory or an absolute one. */
  readonly files?: Readonly<Record<string, FakeFile>>
  /** What a control command answers. @defaultValue exit code 0 and no output */
  readonly exec?: (command: string) => ExecResult
  /** Calls that do not succeed. */
  readonly faults?: Readonly<Partial<Record<Exclude<FakeCall, 'destroy'>, FakeFault>>>
  readonly traffic?: readonly EgressRecord[]
  /** What it has taken of its host when it is asked. @defaultValue nothing is known */
  readonly use?: () => MachineUse | undefined
  /** Who lets visitors in. @defaultValue nobody */
  readonly visit?: () => Promise<Client>
  /** What it says of itself when it is parked. */
  readonly parked?: Partial<ParkedManifest>
  /** Whether it can outlive the process that it was started by. @defaultValue false */
  readonly mayOutlive?: boolean
  /** How others of this computer get in. @defaultValue nobody does */
  readonly writeLogin?: () => Promise<WrittenLogin>
}

export type FakeMachine = Machine & {
  readonly console: FakeConsole
  /** Every call in order. */
  readonly calls: readonly FakeCall[]
  readonly preparation: Preparation | undefined
  /** The entries of each tar that was uploaded. */
  readonly uploads: readonly (readonly Unpacked[])[]
  readonly puts: readonly { readonly path: string; readonly content: Buffer; readonly mode: number }[]
  /** All that steps were given so far. */
  readonly secrets: Readonly<Record<string, string>>
  /** Every step that was run, in order. */
  readonly ran: readonly StepCommand[]
  /** The terms on which it was to outlive its process, one after the other. */
  readonly outliving: readonly Outliving[]
  /** How it was asked to go, once for each time it was asked. */
  readonly destroyed: readonly ('graceful' | 'now')[]
  /** What was typed on its console; its terminal shows it, as a line discipline does. */
  readonly typed: readonly string[]
  /** Ends the machine by itself, as a panic or the host's kernel would; what is under way in it fails with it. */
  end(end: MachineEnd): void
}

/**
 * The reference machine: all that `Machine` promises, and no VM.
 *
 * It lives in memory, takes no time but the pauses it is told to take, and does nothing on its own. What its steps
 * print and how they end is written down beforehand (`steps`), what its guest's files are (`files`), and which calls
 * fail, and how (`faults`). Afterwards it can be asked what was done to it: every call in order, the uploaded
 * entries, the secrets, the commands of the steps, and how often it was destroyed.
 *
 * As with a real machine, every call that waits gives up at once when its signal is aborted, with the signal's
 * reason; when the machine ends, with that end as an InfraError; and when it is destroyed meanwhile, with
 * InfraError('ssh-lost'). No call works after that. A step that hangs ends by its own `timeout`, if it has one.
 */
export function createFakeMachine(options: FakeMachineOptions = {}): FakeMachine {
  const { faults = {} } = options
  const facts = { ...fakeFacts, ...options.facts }
  const calls: FakeCall[] = []
  const uploads: Unpacked[][] = []
  const puts: { path: string; content: Buffer; mode: number }[] = []
  const ran: StepCommand[] = []
  const destroyed: ('graceful' | 'now')[] = []
  const typed: string[] = []
  const outliving: Outliving[] = []
  const console = createFakeConsole()
  const gone = new AbortController()
  let settle: (end: MachineEnd) => void = () => undefined
  const ended = new Promise<MachineEnd>((resolve) => {
    settle = resolve
  })
  let preparation: Preparation | undefined
  let secrets: Readonly<Record<string, string>> = {}

  const end = (how: MachineEnd) => {
    settle(how)
    gone.abort(how.kind === 'stopped' ? closed() : endError(how))
  }

  const meet = async (fault: FakeFault, signal: AbortSignal): Promise<never> => {
    if (fault instanceof Error) throw fault
    if (fault !== 'hang') end(fault)
    return await untilAborted(new Promise<never>(() => undefined), signal)
  }

  /** Every call goes through here: it is written down, may be told to fail, and gives up with its signal. */
  const call = async <T>(
    name: Exclude<FakeCall, 'destroy'>,
    signal: AbortSignal,
    run: (signal: AbortSignal) => T | Promise<T>,
  ): Promise<T> => {
    calls.push(name)
    const either = AbortSignal.any([signal, gone.signal])
    either.throwIfAborted()
    const fault = faults[name]
    if (fault !== undefined) return await meet(fault, either)
    return await untilAborted(Promise.resolve(run(either)), either)
  }

  const live = async (step: StepCommand, signal: AbortSignal): Promise<StepExit> => {
    const { prints = [], console: said, exits = 0, diskFull = false, instead } = behaviourOf(options, step)
    for (const part of prints) {
      signal.throwIfAborted()
      if (typeof part === 'number') await sleep(part, undefined, { signal })
      else await step.onOutput(Buffer.from(part))
    }
    if (said !== undefined) console.say(said)
    if (instead === 'killed') return { kind: 'killed' }
    if (instead !== undefined) return await meet(instead, signal)
    return { kind: 'exited', code: exits, diskFull }
  }

  const files = createFakeFiles(() => machine.workdir, options.files ?? {})

  const machine: FakeMachine = {
    id: options.id ?? 'fake',
    facts,
    console,
    calls,
    uploads,
    puts,
    ran,
    destroyed,
    typed,
    outliving,
    end,
    ended,
    get workdir() {
      return preparation?.workdir ?? '/home/ci'
    },
    get preparation() {
      return preparation
    },
    get secrets() {
      return secrets
    },
    rehearse: (signal) => call('rehearse', signal, () => undefined),
    prepare: (given, signal) =>
      call('prepare', signal, () => {
        preparation = given
      }),
    upload: (tar, signal) =>
      call('upload', signal, async () => {
        const entries = await unpack(tar)
        uploads.push(entries)
        return { bytes: entries.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0) }
      }),
    putFile: (path, content, mode, signal) =>
      call('putFile', signal, () => {
        puts.push({ path, content, mode })
      }),
    exec: (command, signal) =>
      call('exec', signal, () => options.exec?.(command) ?? { code: 0, stdout: empty, stderr: empty }),
    addSecrets: (more, signal) =>
      call('addSecrets', signal, () => {
        secrets = { ...secrets, ...more }
      }),
    forgetSecrets: (known, signal) =>
      call('forgetSecrets', signal, () => {
        secrets = Object.fromEntries(Object.entries(secrets).filter(([, value]) => !known.includes(value)))
      }),
    visit: (signal) =>
      call('visit', signal, async () => {
        if (options.visit === undefined) throw new InfraError('ssh-lost', 'nobody visits a fake machine')
        return await options.visit()
      }),
    park: (jobFolder, signal) =>
      call('park', signal, async () => {
        const manifest = aParkedManifest({
          id: options.id ?? 'fake',
          image: { name: facts.image, digest: facts.imageDigest },
          ...options.parked,
        })
        await mkdir(parkedFolder(jobFolder), { recursive: true })
        await writeParkedManifest(parkedFolder(jobFolder), manifest)
        return manifest
      }),
    openConsole: (signal) =>
      call('openConsole', signal, () => ({
        write: async (chunk) => {
          if (gone.signal.aborted) throw closed()
          typed.push(chunk.toString())
          console.say(chunk.toString())
        },
        close: () => typed.push('closed'),
      })),
    writeLogin: () =>
      call('writeLogin', new AbortController().signal, async () => {
        if (options.writeLogin === undefined)
          throw new InfraError('ssh-lost', 'nobody logs in to a fake machine')
        return await options.writeLogin()
      }),
    outlive: (terms) =>
      call('outlive', new AbortController().signal, () => {
        outliving.push(terms)
        return options.mayOutlive === true
      }),
    runStep: (step, signal) =>
      call('runStep', signal, async (either) => {
        ran.push(step)
        return await withinTimeout(step, either, (limited) => live(step, limited))
      }),
    files: {
      list: (directory, signal) => call('list', signal, (either) => files.list(directory, either)),
      stat: (path, signal) => call('stat', signal, (either) => files.stat(path, either)),
      realpath: (path, signal) => call('realpath', signal, (either) => files.realpath(path, either)),
      read: (path, signal) =>
        Readable.from(
          (async function* () {
            yield* await call('read', signal, (either) => files.read(path, either))
          })(),
        ),
    },
    traffic: () => [...(options.traffic ?? [])],
    use: async () => options.use?.(),
    async destroy(how = 'now') {
      calls.push('destroy')
      destroyed.push(how)
      end({ kind: 'stopped' })
      return { rung: how === 'now' ? 'kill' : 'powerdown', ms: 0 }
    },
  }
  return machine
}

const empty = Buffer.alloc(0)

const fakeFacts: MachineFacts = {
  image: 'fake',
  imageDigest: `sha256:${'0'.repeat(64)}`,
  accel: 'tcg',
  accelReason: 'a fake machine computes nothing',
  strategy: 'fake',
  cpus: 1,
  memory: 2 ** 30,
  disk: 2 ** 30,
  network: 'none',
  pid: undefined,
  sshPort: undefined,
  keyFingerprint: 'SHA256:fake',
  customUserData: false,
  gates: [],
}

function behaviourOf({ steps = {} }: FakeMachineOptions, step: StepCommand): FakeStep {
  if (typeof steps === 'function') return steps(step)
  return steps[step.name] ?? steps[step.script] ?? {}
}

async function withinTimeout(
  step: StepCommand,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<StepExit>,
): Promise<StepExit> {
  if (step.timeout === undefined) return await run(signal)
  const limit = timeLimit(signal, step.timeout)
  try {
    return await untilAborted(run(limit.signal), limit.signal)
  } catch (error) {
    if (signal.aborted || !limit.isOver()) throw error
    return { kind: 'timed-out', timeout: step.timeout, answers: true }
  } finally {
    limit.clear()
  }
}

function closed(): InfraError {
  return new InfraError('ssh-lost', 'the connection to the machine was closed')
}
