import { Readable } from 'node:stream'
import type { SFTPWrapper } from 'ssh2'
import { ConfigError, InfraError } from '../../config/errors.ts'
import type { Machine, Preparation } from '../machine/machine.ts'
import { exec } from '../ssh/exec.ts'
import type { GuestLink } from '../ssh/guest-link.ts'
import { closeAhead } from '../ssh/opened-ahead.ts'
import { callback, isSftpAnswer, putBytes, putStream } from '../ssh/sftp.ts'
import { sftpOf } from '../ssh/sftp-of.ts'
import { unpackAhead } from './ahead-commands.ts'
import { exportLines } from './export-lines.ts'
import { guestPaths } from './guest-paths.ts'
import { placeStep } from './place-step.ts'
import { environmentFile, prepareScript } from './prepare-script.ts'
import { rehearse } from './rehearse.ts'
import { remoteFiles } from './remote-files.ts'
import { runStep } from './run-step.ts'
import { shellQuote } from './shell-quote.ts'

type GuestSession = {
  link: GuestLink
  user: string
  proxyPort: () => number | undefined
  /** What the guest was prepared with while it started, if it was. */
  prepared?: Prepared | undefined
  /** Whether it is one that somebody else has worked in, who may have left the upload behind. @defaultValue false */
  isAdopted?: boolean
  /** Runs a call into the guest and says what its failure really was. */
  guard: <T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>) => Promise<T>
  onNote: (text: string) => void
}

/** A preparation, and the port of the proxy that it told the guest. */
export type Prepared = { readonly preparation: Preparation; readonly proxyPort: number | undefined }

type SessionMethods = { workdir(): string; prepared(): Prepared | undefined } & Pick<
  Machine,
  'prepare' | 'rehearse' | 'addSecrets' | 'upload' | 'putFile' | 'exec' | 'runStep' | 'files'
>

/** What a job does in a guest over its SSH connection. */
export function guestSession({
  link,
  user,
  proxyPort,
  prepared: preparedAtStart,
  isAdopted = false,
  guard,
  onNote,
}: GuestSession): SessionMethods {
  let workdir = isAdopted && preparedAtStart ? preparedAtStart.preparation.workdir : `/home/${user}`
  let prepared = preparedAtStart
  /** What is to be done in the guest before the next step, and can be done along with its files. */
  const owed = new Map<'environment' | 'removal', (sftp: SFTPWrapper) => Promise<unknown>>()
  if (isAdopted) owed.set('removal', removeTar)
  const files = remoteFiles({ link, guard })

  const run = async (command: string, signal: AbortSignal, input?: string) =>
    await exec({
      client: await link.connection(signal),
      command,
      signal,
      ...(input === undefined ? {} : { input }),
    })

  const put = async (path: string, content: Buffer | Readable, mode: number, signal: AbortSignal) => {
    const sftp = await sftpOf(await link.connection(signal))
    const source = Buffer.isBuffer(content) ? Readable.from([content]) : content
    return await putStream({ sftp, path, source, mode, signal })
  }

  const session: Omit<SessionMethods, 'workdir' | 'prepared' | 'rehearse'> = {
    prepare: (preparation, signal) =>
      guard(signal, async (both) => {
        workdir = preparation.workdir
        const port = proxyPort()
        const before = prepared?.proxyPort === port ? prepared?.preparation : undefined
        if (before === preparation) return
        prepared = undefined
        if (before?.workdir === workdir) {
          const bytes = Buffer.from(environmentFile({ ...preparation, proxyPort: port }))
          owed.set('environment', (sftp) => putBytes({ sftp, path: guestPaths.env, bytes, mode: 0o600 }))
          prepared = { preparation, proxyPort: port }
          return
        }
        owed.delete('environment')
        // They stand in the working directory of before.
        closeAhead(await link.connection(both))
        const script = prepareScript({ user, ...preparation, proxyPort: port })
        const { code, stderr } = await run('sudo -n sh -s', both, script)
        if (code === 0) {
          prepared = { preparation, proxyPort: port }
          return
        }
        throw new InfraError('boot', `the machine could not be prepared: ${lastLine(stderr)}`, {
          hint: `the image's login user needs sudo without a password, and a POSIX shell`,
        })
      }),

    addSecrets: (secrets, signal) =>
      guard(signal, async (both) => {
        await put(guestPaths.secrets, Buffer.from(`${exportLines(secrets)}\n`), 0o600, both)
      }),

    upload: (tar, signal) =>
      guard(signal, async (both) => {
        const bytes = await put(guestPaths.uploadTar, tar, 0o600, both).catch((error: unknown) => {
          throw sendFault(error, tar)
        })
        const { code, stderr } = await exec({
          client: await link.connection(both),
          command: `exec tar -xpf ${guestPaths.uploadTar} -C ${shellQuote(workdir)}`,
          ahead: { command: unpackAhead(workdir), input: '' },
          signal: both,
        })
        if (code !== 0) throw uploadFault(lastLine(stderr))
        owed.set('removal', removeTar)
        return { bytes }
      }),

    putFile: (path, content, mode, signal) =>
      guard(signal, async (both) => {
        await put(path, content, mode, both)
      }),

    exec: (command, signal) =>
      guard(signal, async (both) => {
        const { code, stdout, stderr } = await run(command, both)
        if (code === undefined) throw new InfraError('ssh-lost', 'a command ended without an exit status')
        return { code, stdout, stderr }
      }),

    runStep: (step, signal) =>
      guard(signal, async (both) => {
        const client = await link.connection(both)
        const placing = placeStep({ client, files, step, along: owed.values(), signal: both })
        await placing.catch((error: unknown) => {
          throw isSftpAnswer(error) ? putFault(`the script of step "${step.name}"`, error) : error
        })
        owed.clear()
        return await runStep({ source: link, step, signal: both, onNote })
      }),

    files,
  }

  return {
    ...session,
    workdir: () => workdir,
    prepared: () => prepared,
    rehearse: (signal) => guard(signal, (both) => rehearse({ session, workdir, link, signal: both })),
  }
}

/** That it is not there is as good. */
async function removeTar(sftp: SFTPWrapper): Promise<void> {
  await callback<void>(sftp, (done) => sftp.unlink(guestPaths.uploadTar, done)).catch((error: unknown) => {
    if (!isSftpAnswer(error)) throw error
  })
}

/** What went wrong in sending: the files of this host, the guest's disk, or else the connection. */
function sendFault(error: unknown, tar: Readable): unknown {
  if (tar.errored === null) return isSftpAnswer(error) ? putFault('the files', error) : error
  if (tar.errored instanceof InfraError || tar.errored instanceof ConfigError) return tar.errored
  const { message } = tar.errored
  return new InfraError('upload', `the files could not be read on this host: ${message}`, { cause: error })
}

// SFTP has no word for a full disk: servers say "Failure".
function putFault(what: string, cause: Error): InfraError {
  return new InfraError('upload', `${what} could not be put into the machine: ${cause.message}`, {
    hint: 'if its disk is full, ask for a larger one in `resources: { disk: 20GiB }`',
    cause,
  })
}

function uploadFault(said: string): InfraError {
  const full = said.includes('No space left')
  return new InfraError('upload', `the files could not be unpacked in the machine: ${said}`, {
    hint: full ? 'ask for a larger disk in `resources: { disk: 20GiB }`' : undefined,
  })
}

function lastLine(stderr: Buffer): string {
  return stderr.toString('utf8').trim().split('\n').at(-1)?.slice(0, 300) || 'it said nothing'
}
