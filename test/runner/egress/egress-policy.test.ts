import { describe, expect, it } from 'vitest'
import { refuseByPolicy, refuseDenied } from '../../../runner/egress/egress-policy.ts'

const refuse = (allow: string[] | undefined, host: string, port = 443, ports?: number[]) =>
  refuseByPolicy({ audit: false, allow, ports }, { host, port })

describe('refuseByPolicy', () => {
  it('opens ports 80 and 443 of every host where there is no list', () => {
    expect(refuse(undefined, 'any.example', 80)).toBeUndefined()
    expect(refuse(undefined, 'any.example', 443)).toBeUndefined()
    expect(refuse(undefined, 'any.example', 25)).toMatch(/port 25 is not open: expected 80 or 443/)
    expect(refuse(undefined, 'any.example', 22, [22])).toBeUndefined()
  })

  it('opens only what the list names, and nothing for an empty list', () => {
    expect(refuse(['example.org'], 'example.org')).toBeUndefined()
    expect(refuse(['Example.org.'], 'example.org')).toBeUndefined()
    expect(refuse(['example.org'], 'www.example.org')).toMatch(/not on the allow-list/)
    expect(refuse(['example.org'], 'badexample.org')).toMatch(/not on the allow-list/)
    expect(refuse([], 'example.org')).toMatch(/not on the allow-list/)
  })

  it('takes a star for subdomains of any depth but not for the domain itself', () => {
    expect(refuse(['*.example.org'], 'a.b.example.org')).toBeUndefined()
    expect(refuse(['*.example.org'], 'example.org')).toBeDefined()
    expect(refuse(['*.example.org'], 'xexample.org')).toBeDefined()
  })

  it('takes a port in the list for that port alone', () => {
    expect(refuse(['example.org:8443'], 'example.org', 8443)).toBeUndefined()
    expect(refuse(['example.org:8443'], 'example.org', 443)).toMatch(/port 443 of it/)
    expect(refuse(['example.org:8443', '*.org'], 'example.org', 443)).toBeUndefined()
    expect(refuse(['example.org'], 'example.org', 22)).toMatch(/port 22 is not open/)
    expect(refuse(['[2001:db8::1]:444'], '[2001:db8::1]', 444)).toBeUndefined()
  })
})

describe('refuseDenied', () => {
  const reason = (deny: string[] | undefined, host: string, port = 443) =>
    refuseDenied(deny === undefined ? {} : { deny }, { host, port })

  it('refuses a denied host, its denied subdomains and a denied port, and nothing else', () => {
    expect(reason(['bad.example'], 'bad.example')).toContain('deny-list')
    expect(reason(['*.bad.example'], 'a.bad.example', 80)).toContain('deny-list')
    expect(reason(['bad.example:80'], 'bad.example', 80)).toContain('deny-list')
    expect(reason(['bad.example:80'], 'bad.example', 443)).toBeUndefined()
    expect(reason(['bad.example'], 'good.example')).toBeUndefined()
    expect(reason(undefined, 'good.example')).toBeUndefined()
  })
})
