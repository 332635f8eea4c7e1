import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Gate, GateError, passGates } from '../../../runner/machine/pass-gates.ts'

const gate = (name: Gate['name'], pass: Gate['pass'] = async () => undefined): Gate => ({
  name,
  hint: `look at ${name}`,
  pass,
})
const signal = new AbortController().signal

describe('passGates', () => {
  it('passes them in order and tells the time of each as it is passed', async () => {
    const told: string[] = []
    const gates = [
      gate('qmp', () => sleep(30)),
      gate('banner', async () => void told.push('banner was asked')),
      gate('auth'),
    ]
    const times = await passGates({ gates, signal, onGate: ({ name }) => told.push(name) })
    expect(told).toEqual(['qmp', 'banner was asked', 'banner', 'auth'])
    expect(times.map(({ name }) => name)).toEqual(['qmp', 'banner', 'auth'])
    expect(times[0]?.ms).toBeGreaterThanOrEqual(29)
    expect(times[1]?.ms).toBeLessThan(29)
  })

  it('names the gate that stayed shut, and asks none after it', async () => {
    const told: string[] = []
    const gates = [gate('qmp'), gate('auth', () => Promise.reject(new Error('refused'))), gate('nonce')]
    const error = await passGates({ gates, signal, onGate: ({ name }) => told.push(name) }).catch(
      (e: unknown) => e,
    )
    expect(error).toBeInstanceOf(GateError)
    expect(error).toMatchObject({ message: 'refused', gate: { name: 'auth', hint: 'look at auth' } })
    expect(told).toEqual(['qmp'])
  })

  it('gives the reason of the abort, not what the gate made of it', async () => {
    const stop = new AbortController()
    const shut = gate('banner', () => {
      stop.abort(new Error('the guest has been idle and silent for 3 m 00 s'))
      return Promise.reject(new Error('socket closed'))
    })
    const passing = passGates({ gates: [shut], signal: stop.signal, onGate: () => undefined })
    await expect(passing).rejects.toMatchObject({
      message: 'the guest has been idle and silent for 3 m 00 s',
      gate: { name: 'banner' },
    })
  })
})
