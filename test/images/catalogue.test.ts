import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../config/errors.ts'
import { checkEntry } from '../../images/catalogue/check-entry.ts'
import { defaultImage, findEntry, openCatalogue } from '../../images/catalogue.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('openCatalogue', () => {
  it('has the images of the distributions and the one that is built here, each fit to be pulled or built', () => {
    const catalogue = openCatalogue()
    expect([...catalogue.keys()].sort()).toEqual(
      [
        'almalinux-9',
        'debian-12',
        'debian-12-local',
        'debian-13',
        'rocky-9',
        'ubuntu-22.04',
        'ubuntu-24.04',
      ].sort(),
    )
    for (const entry of catalogue.values()) {
      checkEntry(entry)
      expect(entry.url ?? 'https:').toMatch(/^https:/)
      expect(entry.user).not.toBe('root')
    }
    expect(catalogue.get(defaultImage)).toMatchObject({
      build: 'debian-12-local',
      seed: 'mayfly',
      user: 'ci',
    })
  })

  it('AC53: lays the host file over an entry, resources one by one, so that a large image never shrinks', () => {
    const catalogue = openCatalogue({
      'debian-12': { user: 'admin', nic: undefined, resources: { cpus: 4, disk: undefined } },
    })
    const base = openCatalogue().get('debian-12')
    expect(catalogue.get('debian-12')).toEqual({
      ...base,
      user: 'admin',
      resources: { ...base?.resources, cpus: 4 },
    })
  })

  it('drops checksum, format and kernel of a source that the host file replaces', () => {
    const entry = openCatalogue({ 'debian-12': { path: '/srv/mine.qcow2' } }).get('debian-12')
    expect(entry).toMatchObject({
      path: '/srv/mine.qcow2',
      url: undefined,
      checksum: undefined,
      user: 'debian',
    })
  })

  it('takes a new image with what a stock cloud image has by default', () => {
    const entry = openCatalogue({ mine: { url: 'http://mirror.lan/mine.img', digest } }).get('mine')
    expect(entry).toMatchObject({
      name: 'mine',
      format: 'qcow2',
      compression: 'none',
      seed: 'cloud-init',
      firmware: 'bios',
    })
  })

  it.each([
    ['no source', {}, 'one of `url`, `path` and `build`, got none'],
    ['two sources', { url: 'https://a/b', path: '/c', digest }, 'got url and path'],
    ['no checksum', { url: 'https://a/b' }, '`checksum` or `digest` beside `url`, got neither'],
    ['another protocol', { url: 'ftp://a/b', digest }, 'an http or https `url`'],
    [
      'a checksum that anyone could rewrite',
      { url: 'https://a/b', checksum: { url: 'http://a/S', algorithm: 'sha256' } },
      'a checksum file over https',
    ],
    ['a digest of another kind', { url: 'https://a/b', digest: 'md5:00' }, '`digest` as sha256:'],
    ['a relative path', { path: 'mine.qcow2' }, '`path` as an absolute path'],
    ['a kernel alone', { path: '/a', kernel: '/b' }, '`kernel` and `initrd` together'],
  ] as const)('refuses an entry with %s', (_, override, message) => {
    expect(() => openCatalogue({ mine: override })).toThrow(ConfigError)
    expect(() => openCatalogue({ mine: override })).toThrow(message)
  })

  it('refuses a name that would leave the shelf', () => {
    for (const name of ['../etc', '.downloads', 'a/b', '', 'x'.repeat(65)]) {
      expect(() => openCatalogue({ [name]: { path: '/a' } })).toThrow('expected a name')
    }
  })
})

describe('findEntry', () => {
  it('AC30: lists the known images for an unknown one and names the nearest', () => {
    const catalogue = openCatalogue({ mine: { path: '/a' } })
    try {
      findEntry('ubuntu-24.4', catalogue)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      expect(error).toMatchObject({
        message: expect.stringMatching(
          /unknown image "ubuntu-24.4": expected one of .*debian-12-local.*mine/,
        ),
        hint: 'Did you mean ubuntu-24.04?',
      })
    }
  })

  it('knows no image by a name of the language', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(() => findEntry(name, openCatalogue())).toThrow('unknown image')
    }
  })
})
