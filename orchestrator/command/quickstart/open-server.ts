import { createServer } from 'node:net'
import type { Logger } from 'pino'
import type { HostConfig } from '../../../config/host/host-config.ts'
import type { Shelf } from '../../../images/shelf.ts'
import type { StartMachine } from '../../../runner/job/job-order.ts'
import { readServerRecord } from '../../serve/server-record.ts'

export type OpenedServer = {
  /** Where it answers, on this computer. */
  readonly url: string
  /** Whether it was there before, and stays. */
  readonly isOthers: boolean
  /** Ends it where it is ours: what still runs is put back in line. */
  close(): Promise<void>
}

export type OpenServer = {
  readonly host: HostConfig
  readonly dataFolder: string
  readonly shelf: Shelf
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Logger
  /** @defaultValue QEMU's cold start on this host */
  readonly startMachine?: StartMachine | undefined
}

/**
 * The server of a data folder: the one that runs, or else one in this process, on loopback; on any free port where
 * somebody else has the host file's.
 */
export async function openServer(order: OpenServer): Promise<OpenedServer> {
  const { host, dataFolder, startMachine, ...rest } = order
  const running = await readServerRecord(dataFolder)
  if (running !== undefined) return { url: running.url, isOthers: true, close: async () => undefined }
  // Loaded here, for the server's libraries would cost every other command as much time as its own start.
  const { serve } = await import('../../serve/serve.ts')
  const listen = { host: '127.0.0.1', port: await freePort(host.listen.port) }
  const server = await serve({
    ...{ ...rest, dataFolder, role: 'all', host: { ...host, listen } },
    ...(startMachine === undefined ? {} : { startMachine }),
  })
  const url = (await readServerRecord(dataFolder))?.url ?? server.url ?? ''
  return { url, isOthers: false, close: async () => void (await server.stop({ graceMs: 0 })) }
}

/** The port itself where nobody has it; else 0, which stands for any. */
function freePort(port: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(0))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)))
  })
}
