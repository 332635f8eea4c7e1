import { describe, expect, it } from 'vitest'
import { createAdmission } from '../../../orchestrator/gateway/create-admission.ts'

const limits = { connections: 3, connectionsPerAddress: 2, loginsPerAddress: { burst: 4, perSecond: 1 } }

function anAdmission(changes: Partial<typeof limits> = {}) {
  const clock = { ms: 0 }
  return { clock, ...createAdmission({ ...limits, ...changes }, () => clock.ms) }
}

describe('createAdmission', () => {
  it('lets an address in until it has spent its connections, and again after a while', () => {
    const { clock, enter, leave } = anAdmission()
    const comes = () => {
      const refusal = enter('192.0.2.1')
      if (refusal === undefined) leave('192.0.2.1')
      return refusal
    }
    expect([comes(), comes(), comes(), comes()]).toEqual([undefined, undefined, undefined, undefined])
    expect(comes()).toEqual({ why: expect.stringContaining('wait a minute'), isFirst: true })
    expect(comes()).toMatchObject({ isFirst: false })
    clock.ms += 1000
    expect(comes()).toBeUndefined()
    expect(comes()).toMatchObject({ isFirst: true })
  })

  it('gives back what a login has spent', () => {
    const { enter, leave, refund } = anAdmission()
    for (let times = 0; times < 50; times += 1) {
      expect(enter('192.0.2.1')).toBeUndefined()
      refund('192.0.2.1')
      leave('192.0.2.1')
    }
  })

  it('bounds what is open from one address and at all', () => {
    const { enter, leave } = anAdmission()
    enter('192.0.2.1')
    enter('192.0.2.1')
    expect(enter('192.0.2.1')?.why).toContain('2 connections already')
    enter('192.0.2.2')
    expect(enter('192.0.2.3')?.why).toContain('all 3 connections')
    leave('192.0.2.1')
    expect(enter('192.0.2.3')).toBeUndefined()
  })

  it('takes an IPv6 network, and an IPv4 address in either notation, for one', () => {
    const { enter } = anAdmission({ connections: 100 })
    enter('2001:db8:1:2::1')
    enter('2001:db8:1:2:ffff::9')
    expect(enter('2001:db8:1:2::3')?.why).toContain('2 connections')
    expect(enter('2001:db8:1:3::1')).toBeUndefined()
    enter('::ffff:192.0.2.1')
    enter('192.0.2.1')
    expect(enter('192.0.2.1')?.why).toContain('2 connections')
  })

  it('remembers the last 10000 addresses, and those with connections always', () => {
    const { enter, leave } = anAdmission({ connections: 100 })
    const comesAndGoes = (address: string) => {
      const refusal = enter(address)
      if (refusal === undefined) leave(address)
      return refusal
    }
    const spend = (address: string) => {
      while (comesAndGoes(address) === undefined);
    }
    enter('192.0.2.1')
    enter('192.0.2.1')
    spend('192.0.2.2')
    for (let number = 0; number < 9_990; number += 1) comesAndGoes(`10.0.${number >> 8}.${number & 255}`)
    expect(comesAndGoes('192.0.2.2')).toBeDefined()
    for (let number = 0; number < 10_010; number += 1) comesAndGoes(`10.1.${number >> 8}.${number & 255}`)
    expect(comesAndGoes('192.0.2.2')).toBeUndefined()
    expect(enter('192.0.2.1')?.why).toContain('2 connections')
  })
})
