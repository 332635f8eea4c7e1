import { connect, type Socket } from 'node:net'
import type { Client } from 'ssh2'
import { InfraError } from '../../config/errors.ts'
import { makeKeyPair } from '../../runner/keys/key-pair.ts'
import { connectSsh } from '../../runner/ssh/connect-ssh.ts'
import { timeLimit } from '../../runner/time-limit.ts'
import type { LoginUse } from '../gateway/gateway.ts'
import { type MachineChannel, openInMachine } from '../gateway/open-in-machine.ts'
import { consoleSubsystem } from '../gateway/run-console.ts'
import type { Tickets } from '../holds/tickets.ts'
import type { KeptHold } from '../model/is-kept.ts'
import { gatewayAddresses } from './gateway-addresses.ts'

/** In characters. */
export type ScreenSize = { readonly cols: number; readonly rows: number }

export type EnterOrder = {
  readonly job: string
  readonly hold: KeptHold
  /** For the audit record. */
  readonly who: string
  readonly use: LoginUse
  readonly size: ScreenSize
}

export type Entered = MachineChannel & {
  /** Ends the login, and what runs in its shell. */
  leave(): void
}

type Parts = {
  readonly tickets: Pick<Tickets, 'write'>
  /** Of this host. */
  readonly hostName: string
}

/** milliseconds for one address to answer, and for the whole */
const dialMs = 5_000
const enterMs = 20_000
/** milliseconds for a login to end by itself */
const lingerMs = 2_000

/**
 * Logs in to the gateway in front of a kept machine, with a key made for this login, and opens a shell there or the way
 * to its console. The gateway's host key is the one that its host wrote down.
 *
 * @throws {InfraError} in the gateway's own words, where it has any
 */
export async function enterGateway(parts: Parts, order: EnterOrder): Promise<Entered> {
  const { job, who, use } = order
  const { publicKey, privateKey } = makeKeyPair('browser')
  const limit = timeLimit(new AbortController().signal, enterMs, 'the gateway did not answer in time')
  try {
    await parts.tickets.write({ job, who, use, publicKey: publicKey.split(' ').slice(0, 2).join(' ') })
    const client = await logIn({
      order,
      addresses: gatewayAddresses(order.hold, parts.hostName),
      privateKey,
      limit,
    })
    return await openIn(client, order)
  } finally {
    limit.clear()
  }
}

type LogIn = {
  order: EnterOrder
  addresses: readonly string[]
  privateKey: string
  limit: ReturnType<typeof timeLimit>
}

/** characters of what a gateway says before it lets nobody in */
const longestRefusal = 4_000

async function logIn({ order: { job, hold }, addresses, privateKey, limit }: LogIn): Promise<Client> {
  const { host, port, hostKey } = hold.gateway
  const login = { user: job, privateKey, hostKey }
  const failed: string[] = []
  for (const address of addresses) {
    let said = ''
    try {
      const socket = await dial(address, port, limit.signal)
      const onBanner = (text: string) => {
        said = (said + text).slice(0, longestRefusal)
      }
      return await connectSsh({ socket, login, signal: limit.signal, timeoutMs: enterMs, onBanner })
    } catch (error) {
      // It was the gateway, for what it says came after its host key: another address would say the same.
      if (said !== '') throw refused(said.replace(/^Mayfly: /, '').trim(), error)
      failed.push(`${address}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const hint = 'set `address:` under `debug:` in the host file of its host to a name that leads there'
  if (failed.length === 0)
    throw new InfraError(
      'ssh-lost',
      `the gateway of ${hold.host} listens on ${host}, which says not where that is`,
      {
        hint,
      },
    )
  throw new InfraError('ssh-lost', `the gateway of ${hold.host} cannot be reached: ${failed.join('; ')}`, {
    hint,
  })
}

function refused(why: string, cause: unknown): InfraError {
  return new InfraError('ssh-lost', why, { cause })
}

function dial(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const fail = (error: Error) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      socket.destroy()
      reject(error)
    }
    const abort = () => fail(signal.reason as Error)
    const timer = setTimeout(() => fail(new Error(`no answer for ${dialMs / 1000} s`)), dialMs)
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', fail)
    socket.once('connect', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      socket.off('error', fail)
      resolve(socket)
    })
  })
}

async function openIn(client: Client, { use, size }: EnterOrder): Promise<Entered> {
  try {
    const opened = await openInMachine(client, (machine, done) => {
      if (use === 'console') machine.subsys(consoleSubsystem, done)
      else machine.shell({ term: 'xterm-256color', ...size }, done)
    })
    return { ...opened, leave: () => endClient(client) }
  } catch (error) {
    client.end()
    throw error
  }
}

// A gateway that answers no more does not close its end either.
function endClient(client: Client): void {
  const timer = setTimeout(() => client.destroy(), lingerMs)
  client.once('close', () => clearTimeout(timer))
  client.end()
}
