import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type KeepResult, RecordingMachine } from '../../../runner/checkpoint/recording-machine.ts'
import type { EgressRecord } from '../../../runner/egress/egress-record.ts'
import type { MachineEnd } from '../../../runner/machine/machine.ts'
import { untilAborted } from '../../../runner/until-aborted.ts'
import { createFakeMachine, type FakeMachine } from '../../fake-machine.ts'

const { signal } = new AbortController()
const visit = (host: string): EgressRecord => ({
  ...{ host, port: 80, requests: 1, bytesSent: 0, bytesReceived: 9 },
  ...{ refused: undefined, outsideAllowList: false },
})

type Setting = {
  /** What takes the place of a clone; told the signal of the keeping. */
  instead?: (signal: AbortSignal) => Promise<never>
  result?: KeepResult
}

/** A recording of fake machines, whose keeping ends the recorder as a freeze does. */
function record({ instead, result = 'kept' }: Setting = {}) {
  const recorder = createFakeMachine({ id: 'm', traffic: [visit('setup.example')] })
  const clone = createFakeMachine({
    id: 'm',
    traffic: [visit('step.example')],
    facts: { strategy: 'checkpoint' },
    files: { 'report.txt': 'of the clone' },
  })
  const seen = { over: 0, ends: [] as MachineEnd[] }
  const machine = new RecordingMachine({
    recorder,
    keep: async (keeping) => {
      await recorder.destroy('now')
      if (instead !== undefined) return await instead(keeping)
      return { machine: clone, result }
    },
    onOver: async () => {
      seen.over++
    },
  })
  void machine.ended.then((end) => seen.ends.push(end))
  return { machine, recorder, clone, seen }
}

const panic: MachineEnd = { kind: 'guest-panic', message: 'Attempted to kill init' }
const hang = (keeping: AbortSignal) => untilAborted(new Promise<never>(() => undefined), keeping)
const died = () => Promise.reject(new Error('no clone'))

/** Whatever is settled by now has been heard of. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn()
}

describe('a machine that records its setup', () => {
  it('does not end when its recorder is frozen, but when the clone that it goes on with does', async () => {
    const { machine, clone, seen } = record()
    expect(await machine.keepSetup(signal)).toBe('kept')
    await settled()
    expect(seen.ends).toEqual([])
    clone.end(panic)
    expect(await machine.ended).toEqual(panic)
  })

  it.each<KeepResult>(['kept', 'to-run-again'])(
    'says that its setup is %s, and keeps it once',
    async (result) => {
      const { machine, recorder } = record({ result })
      expect(await Promise.all([machine.keepSetup(signal), machine.keepSetup(signal)])).toEqual([
        result,
        result,
      ])
      expect(recorder.destroyed).toHaveLength(1)
    },
  )

  it('ends with its recorder where that dies before it is frozen', async () => {
    const { machine, recorder } = record()
    recorder.end(panic)
    expect(await machine.ended).toEqual(panic)
  })

  it('ends with its recorder where the keeping fails, which it says', async () => {
    const { machine, seen } = record({ instead: died })
    await expect(machine.keepSetup(signal)).rejects.toThrow('no clone')
    expect(await machine.ended).toEqual({ kind: 'stopped' })
    expect(seen.over).toBe(1)
  })

  it('hands every call to the recorder first, and to the clone once it is kept', async () => {
    const { machine, recorder, clone } = record()
    const use = async () => {
      const preparation = { workdir: '/w', env: {} }
      await machine.prepare(preparation, signal)
      await machine.exec('true', signal)
      await machine.addSecrets({ TOKEN: 'x' }, signal)
      await machine.putFile('f', Buffer.alloc(0), 0o600, signal)
      await machine.rehearse(signal)
      await machine.files.stat('/w/report.txt', signal)
    }
    const calls = (of: FakeMachine) => of.calls.filter((call) => call !== 'destroy')
    await use()
    const made = ['prepare', 'exec', 'addSecrets', 'putFile', 'rehearse', 'stat']
    expect([calls(recorder), calls(clone)]).toEqual([made, []])
    expect(machine.facts.strategy).toBe('fake')
    const { files } = machine
    await machine.keepSetup(signal)
    await use()
    expect([calls(recorder), calls(clone)]).toEqual([made, made])
    expect(machine.facts.strategy).toBe('checkpoint')
    expect(machine.workdir).toBe('/w')
    expect(machine.console).toBe(clone.console)
    // Who took them before has those of the clone now.
    expect(await files.stat('/w/report.txt', signal)).toMatchObject({ kind: 'file' })
  })

  it('tells the traffic of both', async () => {
    const { machine } = record()
    expect(machine.traffic().map(({ host }) => host)).toEqual(['setup.example'])
    await machine.keepSetup(signal)
    expect(machine.traffic().map(({ host }) => host)).toEqual(['setup.example', 'step.example'])
  })

  it('aborts the keeping when it is destroyed meanwhile, and waits for that', async () => {
    let isOver = false
    const { machine, recorder, seen } = record({
      instead: (keeping) =>
        hang(keeping).finally(async () => {
          await settled()
          isOver = true
        }),
    })
    const keeping = machine.keepSetup(signal)
    const refused = expect(keeping).rejects.toThrow('the machine is destroyed')
    await settled()
    await machine.destroy('now')
    expect(isOver).toBe(true)
    await refused
    expect(recorder.destroyed).toEqual(['now', 'now'])
    expect(seen).toEqual({ over: 1, ends: [{ kind: 'stopped' }] })
  })

  it('aborts the keeping with the signal of the job', async () => {
    const { machine } = record({ instead: hang })
    const stop = new AbortController()
    const keeping = machine.keepSetup(stop.signal)
    const reason = new Error('cancelled')
    stop.abort(reason)
    await expect(keeping).rejects.toBe(reason)
  })

  it('destroys the clone, and says once that it is over', async () => {
    const { machine, clone, seen } = record()
    await machine.keepSetup(signal)
    expect(seen.over).toBe(1)
    await machine.destroy('graceful')
    await machine.destroy('now')
    expect(clone.destroyed).toEqual(['graceful', 'now'])
    expect(await machine.ended).toEqual({ kind: 'stopped' })
    expect(seen.over).toBe(1)
  })

  it('says that it is over as soon as its setup is dropped, and runs on', async () => {
    const { machine, recorder, seen } = record()
    await machine.dropSetup()
    expect(seen.over).toBe(1)
    expect(await machine.exec('true', signal)).toMatchObject({ code: 0 })
    await machine.destroy('now')
    expect([seen.over, recorder.destroyed]).toEqual([1, ['now']])
  })

  it('says that it is over, and waits for what follows from that, when nothing was kept', async () => {
    let isForgotten = false
    const recorder = createFakeMachine()
    const machine = new RecordingMachine({
      recorder,
      keep: () => Promise.reject(new Error('nobody asked for it')),
      onOver: async () => {
        await settled()
        isForgotten = true
      },
    })
    await machine.destroy('now')
    expect([recorder.destroyed, isForgotten]).toEqual([['now'], true])
  })
})
