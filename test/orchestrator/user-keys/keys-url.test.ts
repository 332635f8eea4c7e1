import { describe, expect, it } from 'vitest'
import { keysUrl } from '../../../orchestrator/user-keys/keys-url.ts'
import { aRepository } from '../a-repository.ts'

type Row = Parameters<typeof aRepository>[0]

const url = (change: Row, user = 'ada') => keysUrl(aRepository(change), user)

describe('the address of the keys of a user', () => {
  it.each<[string, Row]>([
    ['https://github.com/ada.keys', { forge: 'github', cloneUrl: 'https://github.com/o/n.git' }],
    ['https://github.com/ada.keys', { forge: 'github', cloneUrl: 'git@github.com:o/n.git' }],
    [
      'https://github.com/ada.keys',
      { forge: 'github', cloneUrl: '/srv/n.git', apiUrl: 'https://api.github.com' },
    ],
    ['https://ghe.example/ada.keys', { forge: 'github', apiUrl: 'https://ghe.example/api/v3' }],
    ['https://gitlab.example/x/ada.keys', { forge: 'gitlab', apiUrl: 'https://gitlab.example/x/api/v4/' }],
    ['https://codeberg.org/ada.keys', { forge: 'gitea', cloneUrl: 'ssh://git@codeberg.org:22/o/n.git' }],
    ['http://127.0.0.1:3000/ada.keys', { forge: 'gitea', apiUrl: 'http://127.0.0.1:3000/api/v1' }],
    ['https://meta.sr.ht/~ada.keys', { forge: 'sourcehut', cloneUrl: 'https://git.sr.ht/~o/n' }],
    ['https://meta.sr.ht/~ada.keys', { forge: 'sourcehut', apiUrl: 'https://git.sr.ht/query' }],
  ])('is %s for %j', (expected, change) => {
    expect(url(change)).toBe(expected)
  })

  it('takes the name with and without the tilde of SourceHut', () => {
    expect(url({ forge: 'sourcehut', cloneUrl: 'https://git.sr.ht/~o/n' }, '~ada')).toBe(
      'https://meta.sr.ht/~ada.keys',
    )
  })

  it('is none for Bitbucket, for submitted folders and for a forge nobody knows the address of', () => {
    expect(() => url({ forge: 'bitbucket' })).toThrow('Bitbucket does not give the keys of its users')
    expect(() => url({ forge: 'local', cloneUrl: 'submitted' })).toThrow('a submitted folder has no forge')
    expect(() => url({ forge: 'gitea', cloneUrl: '/srv/git/n.git' })).toThrow("the forge's address is known")
  })

  it.each(['', '../admin', 'a/b', 'a?b', 'ada.keys#', '.', '..', 'a b', 'é', 'x'.repeat(101)])(
    'is none for %j, which is no name of a user',
    (user) => {
      expect(() => url({ forge: 'gitea' }, user)).toThrow('expected the name of a user of the forge')
    },
  )
})
