import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCloneUrl } from '../../config/clone-url.ts'
import { ConfigError } from '../../config/errors.ts'

describe('readCloneUrl', () => {
  it.each([
    ['https://forge.example/owner/name.git', 'https'],
    ['http://127.0.0.1:3000/owner/name', 'http'],
    ['https://[::1]:3000/a', 'https'],
    ['ssh://git@forge.example:2222/owner/name.git', 'ssh'],
    ['git@forge.example:owner/name.git', 'ssh'],
    ['forge.example:~owner/name', 'ssh'],
    ['/srv/git/name.git', 'file'],
  ])('takes %s', (url, transport) => {
    expect(readCloneUrl(url)).toEqual({ transport, url })
  })

  it.each([
    'https://user:word@forge.example/a',
    'https://token@forge.example/a',
    'ssh://git:word@forge.example/a',
  ])('refuses credentials and does not repeat them: %s', (url) => {
    expect(() => readCloneUrl(url)).toThrow('expected a clone URL without credentials, found some in it')
  })

  it.each([
    'ext::sh -c id',
    'ext::id',
    'fd::17/x',
    'git://forge.example/a',
    'file:///srv/git/a',
    'ftp://forge.example/a',
    '--upload-pack=id',
    '-oProxyCommand=id:a',
    'ssh://-oProxyCommand=id/a',
    'git@-oProxyCommand=id:a',
    'host:-x',
    'https://forge.example/',
    'https://forge.example/a?b=c',
    'https://forge.example/a#b',
    'https://forge.example/a\nb',
    'owner/name',
    '../name',
    '',
  ])('refuses %j', (url) => {
    expect(() => readCloneUrl(url)).toThrow(ConfigError)
  })

  it('gives nothing that git or ssh would take for an option', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        const url = accepted(text)
        if (url !== undefined) expect(url).toMatch(/^(?:https?:\/\/|ssh:\/\/|\/|[\w.])/)
      }),
    )
  })
})

function accepted(text: string): string | undefined {
  try {
    return readCloneUrl(text).url
  } catch {
    return undefined
  }
}
