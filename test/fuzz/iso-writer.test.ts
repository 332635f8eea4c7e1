import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ConfigError } from '../../config/errors.ts'
import { type IsoSpec, isoImage } from '../../runner/seed/iso9660.ts'
import { fuzz } from './fuzz.ts'
import { readIso } from './iso-reader.ts'
import { scratchFolder } from './scratch-folder.ts'

const name = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[A-Za-z0-9_.~ äß€中-]{1,64}$/) },
  { weight: 3, arbitrary: fc.stringMatching(/^[aA]{1,9}\.?[bB]{0,4}$/) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 70 }) },
)
const size = fc.oneof(fc.constantFrom(0, 1, 2047, 2048, 2049, 4096), fc.nat(5000))
const images = fc.record({
  volumeId: fc.oneof(
    { weight: 9, arbitrary: fc.stringMatching(/^[A-Za-z0-9_]{1,16}$/) },
    { weight: 1, arbitrary: fc.string() },
  ),
  files: fc.array(fc.record({ name, size, byte: fc.nat(255) }), { maxLength: 40 }),
  modified: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: Date.UTC(1970, 0), max: Date.UTC(2155, 11) }) },
    { weight: 1, arbitrary: fc.maxSafeInteger() },
  ),
})
type Image = typeof images extends fc.Arbitrary<infer Value> ? Value : never

const specOf = ({ volumeId, files, modified }: Image): IsoSpec => ({
  volumeId,
  files: files.map((file) => ({ name: file.name, content: Buffer.alloc(file.size, file.byte) })),
  modified: new Date(modified),
})

fuzz({
  target: 'iso-writer',
  cases: images,
  holds(image) {
    const spec = specOf(image)
    let bytes: Buffer
    try {
      bytes = isoImage(spec)
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      return
    }
    const { primary, joliet } = readIso(bytes)
    expect(joliet.volumeId).toBe(spec.volumeId)
    expect(primary.volumeId).toBe(spec.volumeId)
    expect(joliet.files.size).toBe(spec.files.length)
    for (const { name: given, content } of spec.files) {
      if (joliet.files.get(given)?.equals(content) !== true)
        throw new Error(`${JSON.stringify(given)} is not there`)
    }
    expect(primary.files.size).toBe(spec.files.length)
    for (const short of primary.files.keys()) expect(short).toMatch(/^[A-Z0-9_]{0,8}\.[A-Z0-9_]{0,3};1$/)
  },
})

const scratch = scratchFolder()

it('iso-writer: isoinfo, which is nobody’s of ours, lists the same of a sample', () => {
  const plain = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,30}[a-z0-9]$/)
  const files = fc.uniqueArray(fc.record({ name: plain, size, byte: fc.nat(255) }), {
    selector: (file) => file.name,
    minLength: 1,
    maxLength: 30,
  })
  const path = scratch.path('sample.iso')
  for (const sample of fc.sample(files, 25)) {
    writeFileSync(path, isoImage(specOf({ volumeId: 'cidata', files: sample, modified: Date.UTC(2026, 1) })))
    const listing = execFileSync('isoinfo', ['-J', '-f', '-i', path], { encoding: 'utf8' })
    const names = listing
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(1))
    expect(names.sort()).toEqual(sample.map((file) => file.name).sort())
    const [first] = sample
    const read = execFileSync('isoinfo', ['-J', '-x', `/${first?.name}`, '-i', path])
    expect(read.equals(Buffer.alloc(first?.size ?? 0, first?.byte))).toBe(true)
  }
})
