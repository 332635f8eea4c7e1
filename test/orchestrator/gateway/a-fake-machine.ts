import { once } from 'node:events'
import { connect } from 'node:net'
import ssh2, { type Client, type Connection, type ServerChannel, type Session } from 'ssh2'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { connectSsh } from '../../../runner/ssh/connect-ssh.ts'
import type { RealSshd } from './an-sshd.ts'

type FakeMachine = RealSshd & { readonly connections: Connection[] }

/** A machine whose job has put a server of its own in the place of sshd. */
export async function startFakeMachine(
  onExec: (channel: ServerChannel, session: Session) => void,
  onConnection: (connection: Connection) => void = () => {},
): Promise<FakeMachine> {
  const host = makeKeyPair('fake')
  const connections: Connection[] = []
  const server = new ssh2.Server({ hostKeys: [host.privateKey] }, (connection) => {
    connections.push(connection)
    connection.on('error', () => {})
    connection.on('authentication', (context) => context.accept())
    connection.on('session', (accept) => {
      const session = accept()
      session.on('exec', (acceptExec) => {
        const channel = acceptExec()
        channel.on('error', () => {})
        onExec(channel, session)
      })
    })
    onConnection(connection)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  const { port } = address
  return {
    port,
    connections,
    login: (signal): Promise<Client> => {
      const login = { user: 'anybody', privateKey: makeKeyPair('me').privateKey, hostKey: host.publicKey }
      return connectSsh({ socket: connect(port, '127.0.0.1'), login, signal })
    },
    stop: async () => {
      for (const connection of connections) connection.end()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
