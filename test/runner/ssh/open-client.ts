import type { Client } from 'ssh2'
import { onTestFinished } from 'vitest'
import { connectSsh, type SshLogin } from '../../../runner/ssh/connect-ssh.ts'
import { waitForBanner } from '../../../runner/ssh/wait-for-banner.ts'

/** An authenticated connection as the runner makes it, ended after the test. */
export async function openClient({ port, login }: { port: number; login: SshLogin }): Promise<Client> {
  const signal = new AbortController().signal
  const client = await connectSsh({ socket: await waitForBanner({ port, signal }), login, signal })
  onTestFinished(() => void client.destroy())
  return client
}
