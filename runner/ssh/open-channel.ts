import type { Client, ClientChannel } from 'ssh2'

/** A command that runs; `status` is undefined when it ended without one, and never rejects. */
export type OpenChannel = {
  readonly channel: ClientChannel
  readonly status: Promise<number | undefined>
}

/** Runs a command over an open connection, and gives it once the guest has begun it. */
export function openChannel(client: Client, command: string): Promise<OpenChannel> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Error('the SSH connection closed before the command began'))
    client.once('close', lost)
    client.exec(command, (error, channel) => {
      client.off('close', lost)
      if (error) reject(error)
      // Listened to at once: a short command's status can come in the very packet that opens the channel.
      else resolve({ channel, status: exitStatus(channel) })
    })
  })
}

// 'exit' is optional in the protocol; only 'close' is sure to come.
function exitStatus(channel: ClientChannel): Promise<number | undefined> {
  return new Promise((resolve) => {
    let code: number | undefined
    channel.once('exit', (status: number | null) => {
      code = status ?? undefined
    })
    channel.once('close', () => resolve(code))
  })
}
