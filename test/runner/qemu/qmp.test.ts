import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { connectQmp } from '../../../runner/qemu/connect-qmp.ts'
import type { Qmp } from '../../../runner/qemu/qmp.ts'
import type { QmpEvent } from '../../../runner/qemu/qmp-message.ts'
import { fakeQmpServer, greeting, line, type QmpCommand } from './fake-qmp-server.ts'
import { startQemu } from './real-qemu.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mayfly-qmp-'))
  path = join(folder, 'qmp.sock')
})
afterEach(() => rmSync(folder, { recursive: true }))

type Server = Parameters<typeof fakeQmpServer>[1]

/** Connects to a server of that behaviour for as long as `use` takes. */
async function withQmp(
  behaviour: Server,
  use: (qmp: Qmp, events: QmpEvent[]) => Promise<void>,
): Promise<void> {
  const server = await fakeQmpServer(path, behaviour)
  const events: QmpEvent[] = []
  const qmp = await connectQmp({ ...target(), onEvent: (event) => events.push(event) })
  try {
    await use(qmp, events)
  } finally {
    qmp.close()
    await qmp.closed
    await server.close()
  }
}

function target(timeoutMs = 5000, signal = new AbortController().signal) {
  return { path, signal, deadline: Date.now() + timeoutMs }
}

function eventLine(name: string, data?: unknown): string {
  return line({ event: name, data, timestamp: { seconds: 1700000000, microseconds: 250_000 } })
}

describe('Qmp', () => {
  it('matches answers to commands by their id, in whatever order they come', async () => {
    const waiting: QmpCommand[] = []
    const onCommand = (command: QmpCommand, socket: Socket) => {
      waiting.push(command)
      if (waiting.length < 3) return
      for (const { execute, id } of waiting.toReversed()) socket.write(line({ return: `did ${execute}`, id }))
    }
    await withQmp({ onCommand }, async (qmp) => {
      const all = await Promise.all(['a', 'b', 'c'].map((command) => qmp.execute(command)))
      expect(all).toEqual(['did a', 'did b', 'did c'])
    })
  })

  it('reads answers and events however the bytes are cut', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 })
    const messages = fc.array(fc.record({ event: fc.boolean(), text }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        messages,
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
        async (list, cuts) => {
          const answers = list.filter((message) => !message.event)
          const wire = (ids: number[]) => {
            let next = 0
            const lines = list.map((message) =>
              message.event
                ? eventLine('NOTE', { text: message.text })
                : line({ return: { text: message.text }, id: ids[next++] }),
            )
            return Buffer.from(lines.join(''))
          }
          const ids: number[] = []
          const onCommand = (command: QmpCommand, socket: Socket) => {
            if (command.execute === 'send') ids.push(command.id)
            if (ids.length < answers.length || command.execute !== 'go') return
            const bytes = wire(ids)
            for (let at = 0, turn = 0; at < bytes.length; turn++) {
              const size = cuts[turn % cuts.length] ?? 1
              socket.write(bytes.subarray(at, at + size))
              at += size
            }
            socket.write(line({ return: 'done', id: command.id }))
          }
          await withQmp({ onCommand }, async (qmp, events) => {
            const sent = answers.map(() => qmp.execute('send'))
            expect(await qmp.execute('go')).toBe('done')
            expect(await Promise.all(sent)).toEqual(answers.map((answer) => ({ text: answer.text })))
            expect(events.map((event) => event.data.text)).toEqual(
              list.filter((message) => message.event).map((event) => event.text),
            )
          })
        },
      ),
      { numRuns: 50 },
    )
  })

  it('takes greeting, event and answers that come in one chunk, and loses no event', async () => {
    const hello = line(greeting) + eventLine('RESUME')
    await withQmp({ hello }, async (_, events) => {
      expect(events).toEqual([{ name: 'RESUME', data: {}, at: 1_700_000_000_250 }])
    })
  })

  it('stops calling a listener that was taken away', async () => {
    const onCommand = (command: QmpCommand, socket: Socket) =>
      socket.write(eventLine('STOP') + line({ return: {}, id: command.id }))
    await withQmp({ onCommand }, async (qmp, events) => {
      const seen: string[] = []
      const end = qmp.onEvent((event) => seen.push(event.name))
      await qmp.execute('stop')
      end()
      await qmp.execute('stop')
      expect(seen).toEqual(['STOP'])
      expect(events).toHaveLength(2)
    })
  })

  it('turns an error of QEMU into an InfraError of the class that the caller names', async () => {
    const onCommand = ({ id }: QmpCommand, socket: Socket) =>
      socket.write(line({ error: { class: 'GenericError', desc: 'no such thing' }, id }))
    await withQmp({ onCommand }, async (qmp) => {
      const error = await qmp.execute('x').catch((caught: unknown) => caught)
      expect(error).toMatchObject({
        class: 'boot',
        message: 'Expected QEMU to run x, got GenericError: no such thing',
      })
      await expect(qmp.execute('x', {}, { failure: 'machine-died' })).rejects.toMatchObject({
        class: 'machine-died',
      })
    })
  })

  it('passes over answers to ids that nobody waits for', async () => {
    const onCommand = ({ id }: QmpCommand, socket: Socket) =>
      socket.write(
        line({ return: 'stray', id: 9999 }) + line({ return: 'none' }) + line({ return: 'mine', id }),
      )
    await withQmp({ onCommand }, async (qmp) => {
      expect(await qmp.execute('x')).toBe('mine')
    })
  })

  it('gives up on an answer at its time limit, and passes over it when it comes late', async () => {
    const onCommand = async ({ execute, id }: QmpCommand, socket: Socket) => {
      if (execute === 'slow') await sleep(60)
      socket.write(line({ return: execute, id }))
    }
    await withQmp({ onCommand }, async (qmp) => {
      await expect(qmp.execute('slow', {}, { timeoutMs: 20 })).rejects.toThrow(
        /to slow within 20 ms, got none/,
      )
      await sleep(60)
      expect(await qmp.execute('quick')).toBe('quick')
    })
  })

  it("rejects with the signal's reason when it is aborted, before or during a command", async () => {
    await withQmp({}, async (qmp) => {
      const controller = new AbortController()
      const during = qmp.execute('x', {}, { signal: controller.signal })
      controller.abort(new Error('user cancelled'))
      await expect(during).rejects.toThrow('user cancelled')
      await expect(qmp.execute('x', {}, { signal: controller.signal })).rejects.toThrow('user cancelled')
    })
  })

  it('rejects what is under way when the other end goes away, and everything after that', async () => {
    await withQmp({ onCommand: (_, socket) => socket.destroy() }, async (qmp) => {
      await expect(qmp.execute('x')).rejects.toMatchObject({ class: 'machine-died' })
      await qmp.closed
      await expect(qmp.execute('y')).rejects.toBeInstanceOf(InfraError)
    })
  })

  it('rejects what is under way when it is closed, passes over a late answer, and can be closed twice', async () => {
    const onCommand = ({ id }: QmpCommand, socket: Socket) => socket.write(line({ return: {}, id }))
    await withQmp({ onCommand }, async (qmp) => {
      const answer = qmp.execute('x')
      qmp.close()
      qmp.close()
      await expect(answer).rejects.toThrow('a connection that we closed')
      await qmp.closed
    })
  })

  it('ends the connection on a line without end instead of holding it', async () => {
    const junk = Buffer.alloc(64 * 1024, 'x')
    let sent = 0
    const onCommand = (_: QmpCommand, socket: Socket) => {
      const more = () => {
        while (sent < 10 * 2 ** 20 && socket.writable) {
          sent += junk.length
          if (!socket.write(junk)) return void socket.once('drain', more)
        }
      }
      more()
    }
    await withQmp({ onCommand }, async (qmp) => {
      await expect(qmp.execute('x')).rejects.toThrow(/at most 4194304 bytes/)
      await qmp.closed
      expect(sent).toBeLessThan(10 * 2 ** 20)
    })
  })

  it.each(['SSH-2.0-OpenSSH_9.2\r\n', '[]\n', '{"id": 4}\n', '{"event": 7}\n'])(
    'refuses a server that says %j',
    async (hello) => {
      const server = await fakeQmpServer(path, { hello })
      await expect(connectQmp(target())).rejects.toThrow(/^Expected a QMP message, got /)
      await server.close()
    },
  )
})

describe('connectQmp', () => {
  it('waits until there is someone to connect to', async () => {
    const connecting = connectQmp(target())
    await sleep(120)
    const server = await fakeQmpServer(path, {})
    const qmp = await connecting
    qmp.close()
    await server.close()
  })

  it('gives up at the deadline and names the socket', async () => {
    const error = await connectQmp(target(120)).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ class: 'boot' })
    expect((error as Error).message).toContain(`Expected QEMU to listen on ${path}, got `)
  })

  it('gives up at the deadline when nobody greets', async () => {
    const server = await fakeQmpServer(path, { hello: '' })
    await expect(connectQmp(target(100))).rejects.toThrow(/to greeting within \d+ ms/)
    await server.close()
  })

  it("stops waiting with the signal's reason", async () => {
    const controller = new AbortController()
    const connecting = connectQmp(target(10_000, controller.signal))
    setTimeout(() => controller.abort(new Error('cancelled while booting')), 70)
    await expect(connecting).rejects.toThrow('cancelled while booting')
  })
})

describe('a real QEMU', () => {
  const args = () => [
    '-M',
    'none',
    '-nodefaults',
    '-display',
    'none',
    '-qmp',
    `unix:${path},server=on,wait=off`,
  ]

  it('answers commands of both monitors and tells of its end', async () => {
    const qemu = startQemu(args())
    try {
      const events: QmpEvent[] = []
      const qmp = await connectQmp({ ...target(), onEvent: (event) => events.push(event) })
      expect(await qmp.execute('query-version')).toMatchObject({ qemu: { major: expect.any(Number) } })
      expect(await qmp.humanMonitor('info status')).toMatch(/^VM status: /)
      await expect(qmp.execute('no-such-command')).rejects.toThrow(/CommandNotFound/)
      await qmp.execute('quit')
      await qmp.closed
      await qemu.exited
      expect(events.map((event) => event.name)).toEqual(['SHUTDOWN'])
      expect(events[0]?.data).toMatchObject({ guest: false, reason: 'host-qmp-quit' })
      expect(Math.abs((events[0]?.at ?? 0) - Date.now())).toBeLessThan(10_000)
    } finally {
      await qemu.stop()
    }
  })

  it('rejects the command that is under way when it is killed', async () => {
    const qemu = startQemu(args())
    try {
      const qmp = await connectQmp(target())
      // A stopped process takes the command and cannot answer it any more.
      qemu.child.kill('SIGSTOP')
      const answer = expect(qmp.execute('query-status')).rejects.toMatchObject({ class: 'machine-died' })
      qemu.child.kill('SIGKILL')
      await answer
      await qmp.closed
    } finally {
      await qemu.stop()
    }
  })
})
