import { Command } from 'commander'
import { ConfigError } from '../../config/errors.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { BackupManifest } from '../backup/backup-format.ts'
import { secretsKeyFile } from '../secrets/key-file.ts'
import { readServerRecord } from '../serve/server-record.ts'
import { type HostOptions, openThisHost, withHostOptions } from './host-options.ts'
import { catchInterrupts } from './interrupts.ts'
import { printJson } from './print-json.ts'

/** `mayfly backup` and `mayfly restore`. */
export function backupCommands(): Command[] {
  const backup = new Command('backup')
    .description('write what this installation cannot make anew into one file; servers may run')
    .argument('<file>', 'the file to make, such as mayfly.tar.zst')
    .option('--without-jobs', 'leave logs, artifacts and parked machines out')
    .option('--json', 'print JSON')
  const restore = new Command('restore')
    .description('put what is in a backup into an empty data folder and archive; no server may run there')
    .argument('<file>', 'the file that `mayfly backup` made')
    .option('--json', 'print JSON')
  return [withHostOptions(backup).action(runBackup), withHostOptions(restore).action(runRestore)]
}

type BackupOptions = HostOptions & { readonly withoutJobs?: true; readonly json?: true }

async function runBackup(file: string, options: BackupOptions): Promise<void> {
  const { host, dataFolder } = await openThisHost(options)
  const { backUp } = await import('../backup/back-up.ts')
  const interrupts = catchInterrupts({ onFirst: () => undefined, onHard: () => undefined })
  try {
    const manifest = await backUp({
      ...{ to: file, dataFolder, archiveFolder: host.archive ?? dataFolder, bucket: bucketOf(host) },
      ...{ withJobs: options.withoutJobs !== true, now: () => new Date(), signal: interrupts.signal },
    })
    if (options.json) return printJson({ file, ...manifest })
    process.stdout.write(`${file}: ${contentsOf(manifest)}\n`)
    const key = secretsKeyFile({ host, env: process.env })
    process.stdout.write(
      `not in it: ${key}, without which its secrets cannot be read; keep a copy of it elsewhere\n`,
    )
  } finally {
    interrupts.end()
  }
}

async function runRestore(file: string, options: HostOptions & { readonly json?: true }): Promise<void> {
  const { host, dataFolder } = await openThisHost(options)
  const server = await readServerRecord(dataFolder)
  if (server !== undefined)
    throw new ConfigError(`expected no server on ${dataFolder}, found process ${server.pid}`, {
      hint: 'stop it first',
    })
  const { restore } = await import('../backup/restore.ts')
  const interrupts = catchInterrupts({ onFirst: () => undefined, onHard: () => undefined })
  try {
    const manifest = await restore({
      ...{ from: file, dataFolder, archiveFolder: host.archive ?? dataFolder, bucket: bucketOf(host) },
      signal: interrupts.signal,
    })
    if (options.json) return printJson({ file, ...manifest })
    process.stdout.write(`restored: ${contentsOf(manifest)}, as of ${manifest.created}\n`)
    process.stdout.write(
      'the next server makes its index in Redis from it; a Redis of your own has to be empty\n',
    )
  } finally {
    interrupts.end()
  }
}

function contentsOf({ jobs, bucket }: BackupManifest): string {
  const jobFiles = jobs ? 'logs and artifacts' : 'no logs and artifacts'
  return bucket === undefined
    ? `builds, webhook calls, repositories, sealed secrets, hashes of tokens, ${jobFiles}`
    : `what has not been brought to ${bucket} yet, and the gateway's key and audit record`
}

function bucketOf({ bucket }: HostConfig): string | undefined {
  return bucket === undefined ? undefined : `s3://${bucket.name}/${bucket.prefix}`
}
