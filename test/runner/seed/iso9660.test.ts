import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { type IsoFile, isoImage } from '../../../runner/seed/iso9660.ts'

const modified = new Date('2026-03-04T05:06:07.89Z')
let folder: string
let image: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mayfly-iso-'))
  image = join(folder, 'seed.iso')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Writes an image of these files and returns its path. */
function written(files: readonly IsoFile[]): string {
  writeFileSync(image, isoImage({ volumeId: 'cidata', files, modified }))
  return image
}

function run(command: string, ...args: string[]): Buffer {
  return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 })
}

function bytes(length: number, salt: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + salt * 7 + (index >> 8)) & 255))
}

const name = fc
  .stringMatching(/^[A-Za-z0-9_.~ äß€中-]{1,64}$/)
  .filter((text) => text.trim() === text && text !== '.' && text !== '..' && !text.startsWith('-'))
const size = fc.oneof(fc.constantFrom(0, 1, 2047, 2048, 2049, 100_000), fc.integer({ min: 0, max: 9000 }))

describe('isoImage', () => {
  it('writes files that isoinfo reads back byte by byte from the Joliet tree', () => {
    const sizes = [0, 1, 2047, 2048, 2049, 100_000]
    const files = sizes.map((length) => ({ name: `file-of-${length}.bin`, content: bytes(length, length) }))
    const path = written(files)
    const listing = run('isoinfo', '-J', '-l', '-i', path).toString()
    for (const file of files) {
      expect(listing).toMatch(new RegExp(` ${file.content.length} Mar  4 2026 .* ${file.name}`))
      expect(run('isoinfo', '-J', '-x', `/${file.name}`, '-i', path).equals(file.content)).toBe(true)
    }
  })

  it('writes any names and contents so that osirrox extracts the same', () => {
    const files = fc.uniqueArray(fc.record({ name, size, salt: fc.nat(255) }), {
      selector: (file) => file.name,
      maxLength: 12,
    })
    fc.assert(
      fc.property(files, (specs) => {
        const all = specs.map((file) => ({ name: file.name, content: bytes(file.size, file.salt) }))
        const path = written(all)
        const out = mkdtempSync(join(folder, 'out-'))
        const options = ['-abort_on', 'WARNING', '-local_charset', 'utf-8', '-read_fs', 'norock']
        run('xorriso', ...options, '-osirrox', 'on', '-indev', path, '-extract', '/', out)
        for (const file of all) expect(readFileSync(join(out, file.name)).equals(file.content)).toBe(true)
        run('chmod', '-R', 'u+w', out)
      }),
      { numRuns: 25 },
    )
  })

  it('spreads a root directory of many files over several sectors', () => {
    const files = Array.from({ length: 200 }, (_, index) => ({
      name: `a-rather-long-file-name-with-number-${index}`,
      content: bytes(index, index),
    }))
    const path = written(files)
    const names = run('isoinfo', '-J', '-f', '-i', path).toString().trim().split('\n')
    expect(names.sort()).toEqual(files.map((file) => `/${file.name}`).sort())
    for (const index of [0, 57, 123, 199]) {
      const file = files[index]
      expect(
        run('isoinfo', '-J', '-x', `/${file?.name}`, '-i', path).equals(file?.content ?? Buffer.of()),
      ).toBe(true)
    }
  })

  it('gives the primary tree legal 8.3 names that lead to the same contents', () => {
    const files = ['user-data', 'user-data2', 'user_data.extension', 'meta-data'].map((file, index) => ({
      name: file,
      content: bytes(2000 + index, index),
    }))
    const path = written(files)
    const names = run('isoinfo', '-f', '-i', path).toString().trim().split('\n')
    expect(names).toEqual(['/META_DAT.;1', '/USER_DA1.;1', '/USER_DAT.;1', '/USER_DAT.EXT;1'])
    expect(run('isoinfo', '-x', '/USER_DAT.;1', '-i', path).equals(files[0]?.content ?? Buffer.of())).toBe(
      true,
    )
    expect(run('isoinfo', '-x', '/USER_DA1.;1', '-i', path).equals(files[1]?.content ?? Buffer.of())).toBe(
      true,
    )
  })

  it('AC9: is labelled cidata for isoinfo and blkid', () => {
    const path = written([
      { name: 'user-data', content: bytes(10, 1) },
      { name: 'meta-data', content: bytes(1, 1) },
    ])
    expect(run('isoinfo', '-d', '-i', path).toString()).toMatch(/^Volume id: cidata\s*$/m)
    expect(run('isoinfo', '-J', '-d', '-i', path).toString()).toContain('Joliet with UCS level 3')
    expect(run('blkid', '-p', '-o', 'value', '-s', 'LABEL', path).toString().trim()).toBe('cidata')
    expect(run('blkid', '-p', '-o', 'value', '-s', 'TYPE', path).toString().trim()).toBe('iso9660')
  })

  it('may hold no file at all', () => {
    const path = written([])
    expect(run('isoinfo', '-J', '-f', '-i', path).toString().trim()).toBe('')
    expect(run('isoinfo', '-d', '-i', path).toString()).toMatch(/^Volume size is: 25$/m)
  })

  it.each([
    ['a name that comes twice', ['a', 'a']],
    ['a slash', ['a/b']],
    ['a semicolon', ['a;1']],
    ['a control character', ['a\nb']],
    ['a character beyond UCS-2', ['\u{1f600}']],
    ['a lone surrogate', ['a\ud800']],
    ['the parent folder', ['..']],
    ['no name', ['']],
    ['65 characters', ['x'.repeat(65)]],
  ])('refuses %s with a ConfigError', (_, names) => {
    const files = names.map((file) => ({ name: file, content: Buffer.of() }))
    expect(() => isoImage({ volumeId: 'cidata', files, modified })).toThrow(ConfigError)
  })

  it.each(['', 'seventeen_letters', 'has space', 'ü'])('refuses the volume id "%s"', (volumeId) => {
    expect(() => isoImage({ volumeId, files: [], modified })).toThrow(ConfigError)
  })

  it('refuses a date that no record can hold', () => {
    for (const date of [new Date(Number.NaN), new Date('1899-12-31'), new Date('2156-01-01')]) {
      expect(() => isoImage({ volumeId: 'cidata', files: [], modified: date })).toThrow(ConfigError)
    }
  })
})
