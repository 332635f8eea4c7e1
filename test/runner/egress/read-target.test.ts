import { describe, expect, it } from 'vitest'
import { readAbsoluteUrl, readAuthority } from '../../../runner/egress/read-target.ts'

describe('readAuthority', () => {
  it.each([
    ['Example.ORG:443', 'example.org'],
    ['example.org.:443', 'example.org'],
    ['2130706433:443', '127.0.0.1'],
    ['0x7f.1:443', '127.0.0.1'],
    ['0177.0.0.1:443', '127.0.0.1'],
    ['127.0.0.1.:443', '127.0.0.1'],
    ['[::1]:443', '[::1]'],
    ['[::FFFF:127.0.0.1]:443', '[::ffff:7f00:1]'],
    ['my_host-1:443', 'my_host-1'],
  ])('reads %s as the host that it means', (authority, host) => {
    expect(readAuthority(authority)).toEqual({ host, port: 443 })
  })

  it.each([
    'example.org',
    'example.org:',
    'example.org:0',
    'example.org:65536',
    'example.org:99999',
    ':443',
    'user@example.org:443',
    'user:pw@example.org:443',
    '[fe80::1%eth0]:443',
    '[fe80::1%25eth0]:443',
    'a/b:443',
    'a b:443',
    'a\\b:443',
    'ex%61mple:443',
    '[::1:443',
    '::1:443',
    '999.1.1.1:443',
    'http://example.org:443',
    '..:443',
  ])('refuses %s with a sentence', (authority) => {
    expect(readAuthority(authority)).toMatch(/^expected/)
  })
})

describe('readAbsoluteUrl', () => {
  it.each([
    ['http://example.org/a?b=c#d', { host: 'example.org', port: 80, path: '/a?b=c' }],
    ['HTTP://example.org:8080', { host: 'example.org', port: 8080, path: '/' }],
    ['http://example.org?x', { host: 'example.org', port: 80, path: '/?x' }],
    ['http://example.org:/x', { host: 'example.org', port: 80, path: '/x' }],
    ['http://[::1]:81/', { host: '[::1]', port: 81, path: '/' }],
    ['http://[::1]/', { host: '[::1]', port: 80, path: '/' }],
    ['http://0x7f000001/../x', { host: '127.0.0.1', port: 80, path: '/../x' }],
  ])('reads %s', (url, expected) => {
    expect(readAbsoluteUrl(url)).toEqual(expected)
  })

  it.each([
    '/path',
    '*',
    'example.org',
    'https://example.org/',
    'ftp://x/',
    'http:///x',
    'http://u:p@example.org/',
    'http://a\\@b/',
    '',
  ])('refuses %j with a sentence', (url) => {
    expect(readAbsoluteUrl(url)).toMatch(/expected/)
  })
})
