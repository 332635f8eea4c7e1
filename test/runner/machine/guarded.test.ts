import { describe, expect, it } from 'vitest'
import { ConfigError, InfraError } from '../../../config/errors.ts'
import { createConsoleWatch } from '../../../runner/logs/console-watch.ts'
import { endError } from '../../../runner/machine/end-error.ts'
import { guarded } from '../../../runner/machine/guarded.ts'
import type { MachineEnd } from '../../../runner/machine/machine.ts'
import { createFakeConsole } from '../../fake-console.ts'

const died: MachineEnd = { kind: 'killed', message: 'QEMU was killed by SIGKILL' }
const signal = new AbortController().signal
const broken = () => Promise.reject(new Error('read ECONNRESET'))

/** A machine that ends after `endsIn` ms, or does not, and whose console says `console`. */
function machineThat({ endsIn, console: said = '' }: { endsIn?: number; console?: string } = {}) {
  const gone = new AbortController()
  const findings: Parameters<typeof guarded>[0]['machine']['findings'][number][] = []
  createConsoleWatch((finding) => findings.push(finding)).push(Buffer.from(`${said}\n`))
  const console = createFakeConsole()
  console.say(`${said}\n`)
  const ended = new Promise<MachineEnd>((resolve) => {
    if (endsIn === undefined) return
    setTimeout(() => {
      gone.abort(endError(died))
      resolve(died)
    }, endsIn)
  })
  const never = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 50))
  return { gone: gone.signal, findings, console, endWithin: () => Promise.race([ended, never]) }
}

describe('a call into the guest', () => {
  it('gives what it gives', async () => {
    expect(await guarded({ machine: machineThat(), signal, call: async () => 7 })).toBe(7)
  })

  it('that is aborted rejects with the abort’s reason, whatever it made of it', async () => {
    const stop = new AbortController()
    const call = () => {
      stop.abort(new Error('cancelled'))
      return broken()
    }
    await expect(guarded({ machine: machineThat(), signal: stop.signal, call })).rejects.toThrow('cancelled')
  })

  it('that never answers rejects all the same, at the abort or at the machine’s end', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('cancelled')), 10)
    const call = () => new Promise<never>(() => undefined)
    await expect(guarded({ machine: machineThat(), signal: stop.signal, call })).rejects.toThrow('cancelled')
    await expect(guarded({ machine: machineThat({ endsIn: 10 }), signal, call })).rejects.toMatchObject({
      class: 'machine-died',
      message: 'QEMU was killed by SIGKILL',
    })
  })

  it('whose connection breaks a moment before the machine’s end is put down to that end', async () => {
    await expect(
      guarded({ machine: machineThat({ endsIn: 20 }), signal, call: broken }),
    ).rejects.toMatchObject({
      class: 'machine-died',
      message: 'QEMU was killed by SIGKILL',
    })
  })

  it('that fails in a guest that panicked without ending is put down to the panic', async () => {
    const machine = machineThat({
      console: '[  7.0] last words\n[  7.1] Kernel panic - not syncing: Fatal exception',
    })
    await expect(guarded({ machine, signal, call: broken })).rejects.toMatchObject({
      class: 'guest-panic',
      message: "the guest's kernel panicked: Kernel panic - not syncing: Fatal exception",
      evidence: ['[  7.0] last words', '[  7.1] Kernel panic - not syncing: Fatal exception'],
    })
  })

  it('that fails in a guest that ran out of memory is put down to that', async () => {
    const machine = machineThat({ console: 'Out of memory: Killed process 301 (sshd)' })
    await expect(guarded({ machine, signal, call: broken })).rejects.toMatchObject({ class: 'guest-oom' })
  })

  it('that fails in a machine that still stands has lost its connection', async () => {
    const error = await guarded({ machine: machineThat(), signal, call: broken }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(InfraError)
    expect(error).toMatchObject({
      class: 'ssh-lost',
      message: 'the connection to the machine failed: read ECONNRESET',
      hint: expect.stringContaining('sshd'),
    })
  })

  it.each([
    ['an error of ours with its class', new InfraError('upload', 'tar: unexpected end')],
    ['the user’s mistake', new ConfigError('expected no NUL')],
    ['the answer of the SFTP server', Object.assign(new Error('No such file'), { code: 2 })],
  ])('passes on %s', async (_, error) => {
    const call = () => Promise.reject(error)
    await expect(guarded({ machine: machineThat(), signal, call })).rejects.toBe(error)
  })
})
