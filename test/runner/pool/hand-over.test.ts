import { describe, expect, it } from 'vitest'
import type { Machine } from '../../../runner/machine/machine.ts'
import { handOver } from '../../../runner/pool/hand-over.ts'
import { createFakeMachine } from '../../fake-machine.ts'

const { signal } = new AbortController()

describe('a machine that is handed over', () => {
  it('keeps or drops its setup where it can, and tells what is true of it afterwards', async () => {
    const fake = createFakeMachine()
    let facts = fake.facts
    let dropped = 0
    const recording: Machine = {
      ...fake,
      get facts() {
        return facts
      },
      async keepSetup(this: Machine) {
        expect(this).toBe(recording)
        facts = { ...facts, strategy: 'checkpoint' }
        return 'kept'
      },
      async dropSetup(this: Machine) {
        expect(this).toBe(recording)
        dropped++
      },
    }
    const machine = handOver({ machine: recording, onGone: () => undefined })
    expect(machine.facts.strategy).toBe('fake')
    expect(await machine.keepSetup?.(signal)).toBe('kept')
    expect(machine.facts.strategy).toBe('checkpoint')
    await machine.dropSetup?.()
    expect(dropped).toBe(1)
  })

  it('tells what it has taken of its host', async () => {
    const use = {
      ...{ cpuMs: 7, memory: 1, memoryPeak: 2, diskRead: 3, diskWritten: 4 },
      ...{ netSent: undefined, netReceived: undefined },
    }
    const machine = handOver({ machine: createFakeMachine({ use: () => use }), onGone: () => undefined })
    expect(await machine.use()).toEqual(use)
  })

  it('cannot keep a setup where the machine cannot, and tells the facts that it was given', () => {
    const fake = createFakeMachine()
    const facts = { ...fake.facts, strategy: 'pool' } as const
    const machine = handOver({ machine: fake, facts, onGone: () => undefined })
    expect([machine.keepSetup, machine.dropSetup]).toEqual([undefined, undefined])
    expect(machine.facts).toBe(facts)
  })
})
