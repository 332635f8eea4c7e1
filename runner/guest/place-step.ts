import type { Client, SFTPWrapper } from 'ssh2'
import { ConfigError } from '../../config/errors.ts'
import type { RemoteFiles, StepCommand } from '../machine/machine.ts'
import { isOpenedAhead } from '../ssh/opened-ahead.ts'
import { callback, isSftpAnswer, putBytes } from '../ssh/sftp.ts'
import { sftpOf } from '../ssh/sftp-of.ts'
import { stepAhead } from './ahead-commands.ts'
import { exportLines } from './export-lines.ts'
import { stepFolder } from './guest-paths.ts'

type PlaceStep = {
  readonly client: Client
  readonly files: Pick<RemoteFiles, 'stat'>
  readonly step: StepCommand
  /** What else the step has to find done, asked at once with its files: a round trip takes some milliseconds. */
  readonly along: Iterable<(sftp: SFTPWrapper) => Promise<unknown>>
  readonly signal: AbortSignal
}

/**
 * Puts a step's script and environment into its folder; of one that was started before nothing is touched, for sh reads
 * its script while it runs. Throws ConfigError for a script that no file can hold.
 */
export async function placeStep({ client, files, step, along, signal }: PlaceStep): Promise<void> {
  const script = scriptFile(step.shell, step.script)
  const sftp = await sftpOf(client)
  const folder = stepFolder(step.index)
  if (!isOpenedAhead(client, stepAhead(step.index))) {
    const [started] = await Promise.all([
      files.stat(`${folder}/started`, signal),
      // Where it could not be made and is not there either, what is put into it says so.
      callback<void>(sftp, (done) => sftp.mkdir(folder, { mode: 0o700 }, done)).catch(ifNoAnswer),
    ])
    if (started !== undefined) return
  }
  const env = Buffer.from(`${exportLines(step.env)}\n`)
  const hasEnv = Object.keys(step.env).length > 0
  await Promise.all([
    ...Array.from(along, (put) => put(sftp)),
    putBytes({ sftp, path: `${folder}/script`, bytes: script, mode: 0o755 }),
    hasEnv && putBytes({ sftp, path: `${folder}/env`, bytes: env, mode: 0o600 }),
  ])
}

function ifNoAnswer(error: unknown): void {
  if (!isSftpAnswer(error)) throw error
}

/** The `#!` line serves whoever runs the file by its path; the helper names the interpreter itself. */
function scriptFile(shell: string, script: string): Buffer {
  if (script.includes('\0')) throw new ConfigError('expected a step without NUL bytes, found one')
  const [program, ...flags] = shell.split(' ')
  const interpreter = program?.startsWith('/') ? program : `/usr/bin/env -S ${program}`
  return Buffer.from(`#!${[interpreter, ...flags].join(' ')}\n${script}\n`)
}
