import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { execa, type Options } from 'execa'
import { pino } from 'pino'
import ssh2, { type Client, type ConnectConfig } from 'ssh2'
import type { AuditEntry } from '../../../orchestrator/gateway/audit-entry.ts'
import type {
  Authorization,
  Gateway,
  GatewayOptions,
  Terminal,
} from '../../../orchestrator/gateway/gateway.ts'
import { loadGatewayHostKey } from '../../../orchestrator/gateway/load-host-key.ts'
import { startGateway } from '../../../orchestrator/gateway/start-gateway.ts'
import { type KeyPair, makeKeyPair } from '../../../runner/keys/key-pair.ts'
import type { RealSshd } from './an-sshd.ts'

type AllowedKey = Extract<Authorization, { kind: 'open' }>['keys'][number]
type Changes = Partial<GatewayOptions> & {
  until?: Date
  greeting?: string
  allowed?: readonly string[]
  /** Who may come with a key of another kind; asked at each login. */
  tickets?: () => readonly AllowedKey[]
}

/** How a program ended; `code` is undefined where a signal or the time limit ended it. */
export type Ended = { readonly code: number | undefined; readonly stdout: string; readonly stderr: string }

/** A gateway in front of an sshd: maintainer `ada` may enter job `job-1`, and nobody any other. */
export type AGateway = {
  readonly gateway: Gateway
  readonly folder: string
  readonly ada: KeyPair
  readonly hostKey: KeyPair
  readonly audit: AuditEntry[]
  /** Recordings, as they were written. */
  readonly recordings: { readonly terminal: Terminal; text: string; isEnded: boolean }[]
  /** What was typed on the console, and that it was closed. */
  readonly typed: string[]
  /** What OpenSSH's programs need to come here as ada; options of `-o` first. */
  readonly options: string[]
  ssh(args: readonly string[], options?: Options): Promise<Ended>
  /** Another of OpenSSH's programs, or one that is told to use `ssh`. */
  run(program: string, args: readonly string[], options?: Options): Promise<Ended>
  /** A client of our own, for what OpenSSH's does not do; without a configuration it has ada's key. */
  /** Opens a connection in the background that others share, and gives the options with which they do. */
  share(place: string): Promise<string[]>
  login(config?: ConnectConfig): Promise<Client>
  stop(): Promise<void>
}

export async function startAGateway(sshd: RealSshd, changes: Changes = {}): Promise<AGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-gateway-'))
  const hostKey = await loadGatewayHostKey(folder)
  const ada = makeKeyPair('ada')
  await writeFile(join(folder, 'ada'), ada.privateKey, { mode: 0o600 })
  const audit: AuditEntry[] = []
  const recordings: AGateway['recordings'] = []
  const typed: string[] = []
  const {
    until = new Date(Date.now() + 1_800_000),
    greeting,
    allowed = [],
    tickets = () => [],
    ...more
  } = changes
  const keys = [ada.publicKey, ...allowed].map((publicKey) => ({ who: 'ada', publicKey }))
  const gateway = await startGateway({
    hostKey: hostKey.privateKey,
    listen: { host: '127.0.0.1', port: 0 },
    authorize: async (job) =>
      job === 'job-1'
        ? {
            kind: 'open',
            keys: [...keys, ...tickets()],
            until,
            ...(greeting === undefined ? {} : { greeting }),
          }
        : { kind: 'refused', why: `no machine is held for ${job}` },
    connect: (_job, signal) => sshd.login(signal),
    openConsole: async () => ({
      write: async (chunk) => void typed.push(chunk.toString()),
      close: () => typed.push('closed'),
    }),
    audit: (entry) => audit.push(entry),
    record: (terminal) => {
      const recording = { terminal, text: '', isEnded: false }
      recordings.push(recording)
      return new Writable({
        write: (chunk, _encoding, done) => {
          recording.text += chunk
          done()
        },
        final: (done) => {
          recording.isEnded = true
          done()
        },
      })
    },
    log: pino({ level: 'silent' }),
    ...more,
  })
  await writeFile(join(folder, 'known'), `[127.0.0.1]:${gateway.port} ${hostKey.publicKey}\n`)
  const options = [
    ...['-F', '/dev/null', '-o', `UserKnownHostsFile=${join(folder, 'known')}`],
    ...['-o', 'StrictHostKeyChecking=yes', '-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none'],
    ...['-o', `IdentityFile=${join(folder, 'ada')}`, '-o', `Port=${gateway.port}`],
  ]
  return {
    ...{ gateway, folder, ada, hostKey, audit, recordings, typed, options },
    ssh: (args, more) => run('ssh', [...options, ...args], more),
    run: (program, args, more) => run(program, args, more),
    share: async (place) => {
      const control = ['-o', `ControlPath=${join(folder, 'control')}`]
      const master = ['-o', 'ControlMaster=yes', '-o', 'ControlPersist=60', '-fN', place]
      const { code, stderr } = await run('ssh', [...options, ...control, ...master])
      if (code !== 0) throw new Error(`expected a connection to share, got ${stderr}`)
      return control
    },
    login: (changes = { privateKey: ada.privateKey }) => login({ port: gateway.port, ...changes }),
    stop: async () => {
      await gateway.close()
      await rm(folder, { recursive: true })
    },
  }
}

async function run(program: string, args: readonly string[], options: Options = {}): Promise<Ended> {
  const { exitCode, stdout, stderr } = await execa(program, args, {
    ...{ reject: false, timeout: 120_000, stdin: 'ignore', ...options },
  })
  return { code: exitCode, stdout: String(stdout), stderr: String(stderr) }
}

function login(config: ConnectConfig): Promise<Client> {
  const client = new ssh2.Client()
  return new Promise((resolve, reject) => {
    client.on('error', reject)
    client.once('close', () => reject(new Error('expected a login, got an end')))
    client.once('ready', () => resolve(client))
    client.connect({ host: '127.0.0.1', username: 'job-1', readyTimeout: 60_000, ...config })
  })
}
