import { basename } from 'node:path'
import { execa } from 'execa'

/** What git knows of a folder, for the steps' MAYFLY_ variables; empty where it knows nothing. */
export type LocalCommit = { readonly repo: string; readonly ref: string; readonly sha: string }

export async function readLocalCommit(directory: string): Promise<LocalCommit> {
  const [remote, ref, sha] = await Promise.all([
    git(directory, ['remote', 'get-url', 'origin']),
    git(directory, ['symbolic-ref', '--quiet', 'HEAD']),
    git(directory, ['rev-parse', '--verify', '--quiet', 'HEAD']),
  ])
  return { repo: withoutCredentials(remote) || basename(directory), ref, sha }
}

async function git(directory: string, args: readonly string[]): Promise<string> {
  const result = await execa('git', ['-C', directory, ...args], { reject: false, timeout: 10_000 })
  return result.exitCode === 0 ? result.stdout.trim() : ''
}

// Clone URLs can carry a token, and no credential of a forge ever enters a machine.
function withoutCredentials(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/, '$1')
}
