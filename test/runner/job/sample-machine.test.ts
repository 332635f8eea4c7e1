import { describe, expect, it, onTestFinished } from 'vitest'
import type { ResourceUse } from '../../../runner/job/resource-use.ts'
import { type Counted, sampleMachine } from '../../../runner/job/sample-machine.ts'
import type { MachineUse } from '../../../runner/machine/machine.ts'

type Sample = ResourceUse & { step: number | undefined }

/** A sampler, what it has told, and what waits for one more sample. */
function sampling(before?: Counted) {
  const samples: Sample[] = []
  const counted: Counted[] = []
  let heard: (() => void) | undefined
  const sampler = sampleMachine({
    before,
    onSample: (use, step, now) => {
      samples.push({ ...use, step })
      counted.push(now)
      heard?.()
    },
  })
  onTestFinished(() => sampler.stop())
  const one = async (cause: () => void) => {
    const came = new Promise<void>((resolve) => {
      heard = resolve
    })
    cause()
    await came
    return samples.at(-1)
  }
  return { sampler, samples, counted, one }
}

/** A machine whose counters are as the test sets them. */
function aMachine(use: Partial<MachineUse> = {}) {
  const counters = { ...nothing, ...use }
  return { counters, use: async (): Promise<MachineUse | undefined> => ({ ...counters }) }
}

const nothing: { -readonly [key in keyof MachineUse]: MachineUse[key] } = {
  ...{ cpuMs: 0, memory: 0, memoryPeak: 0, diskRead: 0, diskWritten: 0 },
  ...{ netSent: undefined, netReceived: undefined },
}

describe('the samples of a job', () => {
  it('are taken by themselves, a second apart at first', async () => {
    const { sampler, one } = sampling()
    const machine = aMachine()
    await one(() => sampler.follow(machine))
    machine.counters.cpuMs = 40
    const before = performance.now()
    expect(await one(() => undefined)).toMatchObject({ cpuMs: 40 })
    expect(performance.now() - before).toBeLessThan(3_000)
  })

  it('say how busy the machine is in the step under way, whatever the step before did', async () => {
    const { sampler, one } = sampling()
    const machine = aMachine()
    await one(() => sampler.follow(machine))
    machine.counters.cpuMs = 5000
    await one(() => sampler.during(1))
    await one(() => undefined)
    expect(sampler.busy()).toBe(0)
    machine.counters.cpuMs = 9000
    await one(() => undefined)
    expect(sampler.busy()).toBeGreaterThan(0.5)
  })

  it('count all that a machine took that was started for it', async () => {
    const { sampler, one } = sampling()
    expect(await one(() => sampler.follow(aMachine({ cpuMs: 70, diskRead: 9 })))).toMatchObject({
      cpuMs: 70,
      diskRead: 9,
    })
  })

  it('do not count what a machine of the pool took before it was the job’s', async () => {
    const { sampler, one } = sampling()
    const machine = aMachine({ cpuMs: 9_000, diskRead: 500, memory: 100, memoryPeak: 300, netSent: 5 })
    expect(await one(() => sampler.adopt(machine))).toMatchObject({ cpuMs: 0, diskRead: 0, memory: 100 })
    Object.assign(machine.counters, { cpuMs: 9_250, diskRead: 600, netSent: 8 })
    expect(await one(() => sampler.during(0))).toMatchObject({ cpuMs: 250, diskRead: 100, netSent: 3 })
  })

  it('go on where another process left them, with what the machine took while nobody looked', async () => {
    const machine = aMachine({ cpuMs: 9_000, netReceived: 700 })
    const before = sampling()
    await before.one(() => before.sampler.adopt(machine))
    Object.assign(machine.counters, { cpuMs: 9_100, netReceived: 750 })
    await before.one(() => before.sampler.during(0))
    Object.assign(machine.counters, { cpuMs: 9_500, netReceived: 1_750 })
    const after = sampling(before.counted.at(-1))
    after.sampler.during(0)
    const sample = await after.one(() => after.sampler.adopt(machine))
    expect(sample).toMatchObject({ cpuMs: 500, netReceived: 1_050, step: 0 })
  })

  it('go on where they were when the setup goes on in another machine', async () => {
    const { sampler, one } = sampling()
    const recorder = aMachine({ cpuMs: 500, diskWritten: 10 })
    await one(() => sampler.follow(recorder))
    recorder.counters.cpuMs = 800
    await one(() => sampler.during(0))
    expect(await one(() => sampler.follow(aMachine({ cpuMs: 30 })))).toMatchObject({
      cpuMs: 830,
      diskWritten: 10,
    })
    // It is the one that was started, seen through what the job was given.
    sampler.adopt(aMachine({ cpuMs: 99_999 }))
    expect(await one(() => sampler.during(undefined))).toMatchObject({ cpuMs: 830 })
  })

  it('name the step that it was taken in, at its end too', async () => {
    const { sampler, samples, one } = sampling()
    await one(() => sampler.follow(aMachine()))
    await one(() => sampler.during(0))
    await one(() => sampler.during(undefined))
    await sampler.stop()
    expect(samples.map(({ step }) => step)).toEqual([undefined, undefined, 0, undefined])
  })

  it('have the most memory of the time since the one before, however short it was held', async () => {
    const { sampler, one } = sampling()
    const machine = aMachine({ memory: 50, memoryPeak: 50 })
    await one(() => sampler.follow(machine))
    Object.assign(machine.counters, { memory: 60, memoryPeak: 400 })
    expect(await one(() => sampler.during(0))).toMatchObject({ memory: 400 })
    machine.counters.memory = 20
    expect(await one(() => sampler.during(1))).toMatchObject({ memory: 60 })
    expect(await one(() => sampler.during(2))).toMatchObject({ memory: 20 })
  })

  it('leave a gap where the machine cannot be read, and end when it is stopped', async () => {
    const { sampler, samples, one } = sampling()
    const machine = aMachine()
    const readings = [
      machine.use,
      async () => undefined,
      () => Promise.reject(new Error('it is gone')),
      machine.use,
    ]
    await one(() => sampler.follow({ use: async () => await readings.shift()?.() }))
    sampler.during(0)
    sampler.during(1)
    await sampler.stop()
    expect(samples).toHaveLength(2)
    sampler.during(2)
    sampler.follow(machine)
    await sampler.stop()
    expect(samples).toHaveLength(2)
  })
})
