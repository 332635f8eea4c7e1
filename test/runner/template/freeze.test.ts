import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectQmp } from '../../../runner/qemu/connect-qmp.ts'
import { freeze } from '../../../runner/template/freeze.ts'
import { createSmallDisk } from '../../own-mounts.ts'
import { fakeQmpServer, line, type QmpCommand } from '../qemu/fake-qmp-server.ts'

const mebibyte = 2 ** 20

describe('freeze', () => {
  it('says that the disk was full, and not only that QEMU failed of it', async () => {
    const state = join(await createSmallDisk(1), 'state')
    await expect(freezeWith({ state, bytes: 4 * mebibyte })).rejects.toMatchObject({ code: 'ENOSPC' })
  })

  it('says why QEMU could not', async () => {
    const state = join(await createFolder(), 'state')
    await expect(freezeWith({ state, bytes: 4 * mebibyte, why: 'device is busy' })).rejects.toThrow(
      'QEMU could not freeze the machine: device is busy',
    )
  })
})

type FreezeWith = { state: string; bytes: number; why?: string }

/** Freezes a QEMU that sends so many bytes of state, and fails where they find no taker or where it has a reason. */
async function freezeWith({ state, bytes, why }: FreezeWith): Promise<void> {
  const folder = await createFolder()
  let status = 'active'
  const onCommand = (command: QmpCommand, socket: Socket) => {
    const answers: Record<string, unknown> = { 'query-migrate': { status, 'error-desc': why } }
    if (command.execute === 'migrate') {
      const { uri } = command.arguments as { uri: string }
      const out = createConnection(uri.replace('unix:', ''), () => out.end(Buffer.alloc(bytes)))
      out.on('error', () => undefined)
      out.on('close', (lost) => {
        status = lost || why !== undefined ? 'failed' : 'completed'
      })
    }
    socket.write(line({ return: answers[command.execute] ?? {}, id: command.id }))
  }
  const server = await fakeQmpServer(join(folder, 'qmp'), { onCommand })
  onTestFinished(() => server.close())
  const { signal } = new AbortController()
  const target = { path: join(folder, 'qmp'), signal, deadline: Date.now() + 60_000 }
  const qmp = await connectQmp({ ...target, onEvent: () => undefined })
  onTestFinished(() => qmp.close())
  const write = (from: Readable) => pipeline(from, createWriteStream(state))
  await freeze({ qmp, memory: 'elsewhere', write, socket: join(folder, 'state.sock'), signal })
}

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-freeze-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}
