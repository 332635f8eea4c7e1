import { describe, expect, it } from 'vitest'
import { createConsoleWatch } from '../../../runner/logs/console-watch.ts'
import { endEvidence } from '../../../runner/machine/end-evidence.ts'
import type { MachineEnd } from '../../../runner/machine/machine.ts'
import { createFakeConsole } from '../../fake-console.ts'

const said = [
  'one',
  'two',
  '[1.1] Out of memory: Killed process 9 (init)',
  'Kernel panic - not syncing: x',
  'trace',
]

/** What is shown of a machine that ended like this, after its console had said these lines. */
function evidence(kind: MachineEnd['kind'], lines: readonly string[], memoryKills = 0): string[] {
  const console = createFakeConsole()
  const findings: Parameters<typeof endEvidence>[0]['findings'][number][] = []
  const watch = createConsoleWatch((finding) => findings.push(finding))
  const text = lines.map((line) => `${line}\n`).join('')
  console.say(text)
  watch.push(Buffer.from(text))
  const end: MachineEnd = kind === 'stopped' ? { kind } : { kind, message: 'it ended' }
  return endEvidence({ end, findings, console, memoryKills })
}

describe('the lines that show how a machine ended', () => {
  it('are those around the panic, or around the want of memory that led to it', () => {
    expect(evidence('guest-panic', ['far', 'far', ...said])).toEqual(said.slice(1))
    expect(evidence('guest-oom', ['far', 'far', ...said])).toEqual(said)
  })

  it('are the last ones where only QEMU saw the panic, or where the guest powered off', () => {
    const lines = ['a', 'b', 'c', 'd', 'e', 'f']
    expect(evidence('guest-panic', lines)).toEqual(lines.slice(1))
    expect(evidence('powered-off', [...lines, 'reboot: Power down'])).toEqual([
      ...lines.slice(2),
      'reboot: Power down',
    ])
  })

  it('are of this host where QEMU was killed while the host ran out of memory, and of no other end', () => {
    expect(evidence('killed', said, 2)).toEqual([
      'this host ran out of memory meanwhile: its kernel killed 2 of its processes',
    ])
    expect(evidence('host-disk-full', said, 2)).toEqual([])
  })

  it.each(['killed', 'host-disk-full', 'stopped'] as const)(
    'are none where it was %s from outside',
    (kind) => {
      expect(evidence(kind, said)).toEqual([])
    },
  )
})
