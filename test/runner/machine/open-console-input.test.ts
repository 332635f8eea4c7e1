import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openConsoleInput } from '../../../runner/machine/open-console-input.ts'
import { until } from '../../orchestrator/until.ts'

/** A listening chardev, as QEMU has it. */
async function aChardev() {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-console-'))
  const path = join(folder, 'serial.sock')
  const connections: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    connections.push(socket)
  })
  server.listen(path)
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of connections) socket.destroy()
    server.close()
    await rm(folder, { recursive: true })
  })
  const connection = async () => {
    await until('it is connected', () => connections.length > 0)
    return connections[0] as Socket
  }
  return { path, connection }
}

it('types in order, and takes what the machine says meanwhile without keeping it', async () => {
  const { path, connection } = await aChardev()
  const console = await openConsoleInput(path)
  const guest = await connection()
  let typed = ''
  guest.on('data', (chunk) => {
    typed += chunk
  })
  // More than any buffer between the two: it would never be taken if nobody read.
  const said = new Promise((resolve) => guest.write(Buffer.alloc(4 * 2 ** 20, 'x'), resolve))
  for (const text of ['ro', 'ot', '\r']) await console.write(Buffer.from(text))
  await said
  await until('all is typed', () => typed === 'root\r')
  console.close()
  await new Promise((resolve) => guest.once('close', resolve))
})

it('waits while the machine takes nothing, and fails when the console is closed meanwhile', async () => {
  const { path, connection } = await aChardev()
  const console = await openConsoleInput(path)
  const guest = await connection()
  guest.pause()
  let isThrough = false
  const writing = console.write(Buffer.alloc(4 * 2 ** 20, 'y')).then(() => {
    isThrough = true
  })
  const failing = expect(writing).rejects.toThrow('the serial console was closed')
  guest.destroy()
  await failing
  expect(isThrough).toBe(false)
})

it('says that nobody listens', async () => {
  await expect(openConsoleInput('/nonexistent/serial.sock')).rejects.toThrow('cannot be reached')
})
