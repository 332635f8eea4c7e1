import { describe, expect, it } from 'vitest'
import { createConsoleWatch } from '../../../runner/logs/console-watch.ts'
import { endError } from '../../../runner/machine/end-error.ts'
import type { MachineEnd } from '../../../runner/machine/machine.ts'
import { createSightings, endOf, noteEvent, type Sightings } from '../../../runner/machine/watch-machine.ts'

const event = (name: string, data: Record<string, unknown> = {}) => ({ name, data, at: 0 })
const exit = { code: 0, signal: undefined, stderr: '' }

/** What is seen of a machine whose console says `console` and whose QMP socket tells `events`. */
function seeing(console: string, ...events: ReturnType<typeof event>[]): Sightings {
  const seen = createSightings()
  const watch = createConsoleWatch((finding) => seen.findings.push(finding))
  watch.push(Buffer.from(console))
  watch.end()
  for (const each of events) noteEvent(seen, each)
  return seen
}

describe('the end of a machine', () => {
  it('that we stopped is ours, whatever else was seen', () => {
    const seen = seeing('Kernel panic - not syncing: x\n', event('SHUTDOWN', { reason: 'host-signal' }))
    seen.stopping = true
    expect(endOf(seen, { ...exit, signal: 'SIGKILL', code: undefined })).toEqual({ kind: 'stopped' })
  })

  it('by a panic is told with the line that said it', () => {
    const line = 'Kernel panic - not syncing: sysrq triggered crash'
    expect(endOf(seeing(`[   9.1] ${line}\n`), exit)).toEqual({
      kind: 'guest-panic',
      message: `the guest's kernel panicked: ${line}`,
    })
  })

  it('by a panic that only QEMU saw is one, too', () => {
    const expected = { kind: 'guest-panic', message: "the guest's kernel panicked" }
    expect(endOf(seeing('', event('GUEST_PANICKED', { action: 'pause' })), exit)).toEqual(expected)
    expect(endOf(seeing('', event('SHUTDOWN', { reason: 'guest-panic' })), exit)).toEqual(expected)
  })

  it('by a panic for want of memory is put down to memory', () => {
    const seen = seeing('Out of memory: Killed process 1 (systemd)\nKernel panic - not syncing: init died\n')
    expect(endOf(seen, exit)).toMatchObject({ kind: 'guest-oom', message: expect.stringContaining('memory') })
  })

  it('without its root disk is a panic with that reason', () => {
    const seen = seeing(
      'VFS: Unable to mount root fs on unknown-block(0,0)\nKernel panic - not syncing: VFS\n',
    )
    expect(endOf(seen, exit)).toMatchObject({
      kind: 'guest-panic',
      message: expect.stringContaining('did not find its root disk'),
    })
  })

  it.each([
    ['guest-shutdown', 'the guest powered itself off'],
    ['guest-reset', 'the guest rebooted itself'],
  ])('by %s is the guest’s own doing', (reason, message) => {
    const seen = seeing('', event('SHUTDOWN', { guest: true, reason }))
    expect(endOf(seen, exit)).toEqual({ kind: 'powered-off', message })
  })

  it('is not put down to a process that was killed for memory, when the machine was killed from outside', () => {
    const seen = seeing('Out of memory: Killed process 99 (cc1)\n')
    expect(endOf(seen, { code: undefined, signal: 'SIGKILL', stderr: '' })).toEqual({
      kind: 'killed',
      message: 'QEMU was killed by SIGKILL',
      signal: 'SIGKILL',
    })
  })

  it('by itself is told with QEMU’s own last words', () => {
    const stderr = 'warning: something\nqemu-system-x86_64: Failed to get "write" lock\n'
    expect(endOf(seeing(''), { code: 1, signal: undefined, stderr })).toEqual({
      kind: 'killed',
      message: 'QEMU ended with code 1: qemu-system-x86_64: Failed to get "write" lock',
    })
  })

  it('by a full disk of this host is known from the event alone, while QEMU waits', () => {
    const seen = createSightings()
    expect(noteEvent(seen, event('BLOCK_IO_ERROR', { nospace: true }))).toMatchObject({
      kind: 'host-disk-full',
    })
    expect(noteEvent(seen, event('BLOCK_IO_ERROR', { nospace: false }))).toBeUndefined()
    expect(noteEvent(seen, event('RTC_CHANGE'))).toBeUndefined()
  })
})

describe('endError', () => {
  it.each<[MachineEnd['kind'], string, RegExp]>([
    ['guest-panic', 'guest-panic', /console/],
    ['guest-oom', 'guest-oom', /memory: 4GiB/],
    ['powered-off', 'machine-died', /must not power its machine off/],
    ['host-disk-full', 'host-disk-full', /images gc/],
    ['killed', 'machine-died', /out-of-memory killer/],
    ['stopped', 'machine-died', /Mayfly itself/],
  ])('makes of %s an error of class %s with a way out', (kind, failure, hint) => {
    const end: MachineEnd = kind === 'stopped' ? { kind } : { kind, message: 'what was seen' }
    const error = endError(end)
    expect(error.class).toBe(failure)
    expect(error.hint).toMatch(hint)
    expect(error.message).toBe(kind === 'stopped' ? 'the machine was stopped' : 'what was seen')
  })
})
