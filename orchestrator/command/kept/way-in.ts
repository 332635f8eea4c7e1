import { shellQuote } from '../../../runner/guest/shell-quote.ts'
import type { Kept } from './kept.ts'

/** Command lines, for a shell on this computer, that lead into a kept machine. */
export function wayIn({ job, login }: Kept, dataFlag: string | undefined): { debug: string; ssh: string } {
  return { debug: debugLine(job, dataFlag), ssh: words(['ssh', ...sshArgs(login)]) }
}

/** The command line that leads into a job's machine. */
export function debugLine(job: string, dataFlag: string | undefined): string {
  const data = dataFlag === undefined ? [] : ['--data', dataFlag]
  return words(['mayfly', 'debug', ...data, job])
}

/** Arguments of OpenSSH's client, whatever its user has configured. */
export function sshArgs({ user, port, keyFile, knownHostsFile }: Kept['login']): string[] {
  const options = [
    `UserKnownHostsFile=${knownHostsFile}`,
    'StrictHostKeyChecking=yes',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
  ]
  return [
    ...['-F', '/dev/null', '-i', keyFile, '-p', String(port)],
    ...options.flatMap((option) => ['-o', option]),
    `${user}@127.0.0.1`,
  ]
}

function words(list: readonly string[]): string {
  return list.map((word) => (/^[\w./:@=,-]+$/.test(word) ? word : shellQuote(word))).join(' ')
}
