import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkpointKey } from '../../../runner/checkpoint/checkpoint-key.ts'
import type { Setup } from '../../../runner/checkpoint/setup.ts'
import { shelfImage } from '../../shelf-image.ts'
import { aSetup, aSubject } from './a-setup.ts'

const withEnv = (env: Readonly<Record<string, string>>): Setup =>
  aSetup({ preparation: { workdir: '/home/ci/work', env } })
const scoped = (scope: string): Setup => aSetup({ access: { scope, readsAll: false, mayKeep: true } })
const { env } = aSetup().preparation

describe('the key of a checkpoint', () => {
  it('is the same for the same setup in the same machine, whoever asks and however long they take', async () => {
    const id = await checkpointKey(aSubject, aSetup())
    expect(id.key).toMatch(/^[0-9a-f]{16}$/)
    expect(id.inputs).toMatch(/^[0-9a-f]{64}$/)
    expect(await checkpointKey(aSubject, aSetup())).toEqual(id)
    const later = aSetup({ maxAge: 1, by: { build: 'b2', job: 'b2-main' } })
    expect(await checkpointKey(aSubject, later)).toEqual(id)
    const { access } = aSetup()
    const reader = aSetup({ access: { ...access, readsAll: true, mayKeep: false } })
    expect(await checkpointKey(aSubject, reader)).toEqual(id)
  })

  it('is the same in whatever order the environment is written', async () => {
    const reversed = Object.fromEntries(Object.entries(env).reverse())
    expect(Object.keys(reversed)).not.toEqual(Object.keys(env))
    expect(await checkpointKey(aSubject, withEnv(reversed))).toEqual(await checkpointKey(aSubject, aSetup()))
  })

  it.each<[string, typeof aSubject, Setup]>([
    ['the image', { ...aSubject, image: { ...shelfImage('x'), digest: 'sha256:bb' } }, aSetup()],
    ['cpus', { ...aSubject, resources: { ...aSubject.resources, cpus: 1 } }, aSetup()],
    ['memory', { ...aSubject, resources: { ...aSubject.resources, memory: 2 ** 31 } }, aSetup()],
    ['disk', { ...aSubject, resources: { ...aSubject.resources, disk: 2 ** 34 } }, aSetup()],
    ["QEMU's version", { ...aSubject, qemu: { ...aSubject.qemu, version: '8.2.0' } }, aSetup()],
    ['the network', { ...aSubject, network: 'none' }, aSetup()],
    ['a script', aSubject, aSetup({ scripts: ['apt-get update', 'apt-get install -y gcc'] })],
    ['the order of scripts', aSubject, aSetup({ scripts: [...aSetup().scripts].reverse() })],
    ['where one script ends', aSubject, aSetup({ scripts: [aSetup().scripts.join('\n')] })],
    ['the shell', aSubject, aSetup({ shell: 'bash -e' })],
    ["the files' digest", aSubject, aSetup({ files: 'd2' })],
    ['the working directory', aSubject, aSetup({ preparation: { workdir: '/home/root/work', env } })],
    ["a variable's value", aSubject, withEnv({ ...env, FLAVOUR: 'other' })],
    ["a variable's name", aSubject, withEnv({ CI: 'true', FLAVOR: 'plain' })],
    ['one variable more', aSubject, withEnv({ ...env, MORE: '' })],
  ])('is another with another value of %s', async (_what, subject, setup) => {
    const [one, other] = [await checkpointKey(aSubject, aSetup()), await checkpointKey(subject, setup)]
    expect(other.inputs).not.toBe(one.inputs)
    expect(other.key).not.toBe(one.key)
  })

  it('is another in every scope, of the same inputs', async () => {
    const two = fc.tuple(fc.string(), fc.string()).filter(([one, other]) => one !== other)
    await fc.assert(
      fc.asyncProperty(two, async ([scope, otherScope]) => {
        const [one, other] = [
          await checkpointKey(aSubject, scoped(scope)),
          await checkpointKey(aSubject, scoped(otherScope)),
        ]
        expect(other.inputs).toBe(one.inputs)
        expect(other.key).not.toBe(one.key)
      }),
    )
  })

  it('is the same only for the same scripts and environment', async () => {
    const scripts = fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 })
    const variables = fc.dictionary(fc.string({ maxLength: 2 }), fc.string({ maxLength: 2 }), { maxKeys: 3 })
    const setups = fc.record({ scripts, env: variables })
    const setupOf = ({ scripts, env }: { scripts: string[]; env: Record<string, string> }) =>
      aSetup({ scripts, preparation: { workdir: '/w', env } })
    const canonical = ({ scripts, env }: { scripts: string[]; env: Record<string, string> }) =>
      JSON.stringify([scripts, Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))])
    await fc.assert(
      fc.asyncProperty(setups, setups, async (one, other) => {
        const keys = await Promise.all([one, other].map((each) => checkpointKey(aSubject, setupOf(each))))
        expect(keys[0]?.key === keys[1]?.key).toBe(canonical(one) === canonical(other))
      }),
    )
  })

  it('is another where the setup has no way out, whether its machine has one or not', async () => {
    const keys = await Promise.all([
      checkpointKey(aSubject, aSetup()),
      checkpointKey(aSubject, aSetup({ isOffline: true })),
      checkpointKey({ ...aSubject, network: 'none' }, aSetup()),
    ])
    expect(new Set(keys.map(({ key }) => key)).size).toBe(3)
  })
})
