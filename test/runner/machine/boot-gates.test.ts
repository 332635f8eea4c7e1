import { describe, expect, it } from 'vitest'
import { bootGates } from '../../../runner/machine/boot-gates.ts'
import type { QemuMachine } from '../../../runner/machine/qemu-machine.ts'

const gatesOf = (customUserData: boolean) => {
  const machine = { facts: { customUserData } } as QemuMachine
  return bootGates({ machine, nonce: 'x' })
}

describe('the gates of a boot', () => {
  it('AC52: are never none: no machine is ready before a login on it has answered', () => {
    expect(gatesOf(false).map(({ name }) => name)).toEqual(['qmp', 'banner', 'auth', 'nonce'])
    expect(gatesOf(true).map(({ name }) => name)).toEqual(['qmp', 'banner', 'auth', 'nonce', 'user-data'])
  })

  it('have a hint each', () => {
    for (const { name, hint } of gatesOf(true)) expect(hint, name).toMatch(/\w{3,}/)
  })
})
