import type { Client, ClientChannel } from 'ssh2'
import type { Exit } from './ssh2/send-exit.ts'

export type MachineChannel = {
  readonly channel: ClientChannel
  /** Resolves when the machine has closed the channel. */
  readonly exit: Promise<Exit>
}

type Done = (error: Error | undefined, channel: ClientChannel) => void

/** Opens a channel into the machine. Throws what its sshd says. */
export function openInMachine(
  client: Client,
  begin: (client: Client, done: Done) => void,
): Promise<MachineChannel> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Error('the machine closed the connection'))
    client.once('close', lost)
    begin(client, (error, channel) => {
      client.off('close', lost)
      if (error) return reject(new Error(error.message.replace(/^\(SSH\) (?:Channel open failure: )?/, '')))
      // Listened to at once: a short command's status can come in the very packet that opens the channel.
      const exit = exitOf(channel)
      resolve({ channel, exit })
    })
  })
}

// 'exit' is optional in the protocol; only 'close' is sure to come.
function exitOf(channel: ClientChannel): Promise<Exit> {
  return new Promise((resolve) => {
    let exit: Exit
    channel.once('exit', (code: number | null, signal = '', dumped: unknown = false, text = '') => {
      exit = code === null ? { signal, dumped: Boolean(dumped), text } : { code }
    })
    channel.once('close', () => resolve(exit))
  })
}
