import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { makeDataFolder, removeDataFolder } from '../acceptance/boot.ts'

/** Where the tests are root; else QEMU is whoever they are, and there is nothing to change to. */
const isRoot = process.getuid?.() === 0
const user = '61990'
/** The first of the range that its machines have, of users and of groups. */
const first = { uid: 761_990, gid: 861_990 }

type Seen = Record<'strategy' | 'confinement' | 'answers' | 'uid' | 'gid' | 'groups', string> &
  Record<'effective' | 'bounding', string>
type Modes = Readonly<Record<string, string>>

let data: string
let closed: string
let folder: string
let found: {
  clone: Seen
  beside: Seen
  without: Seen
  /** What the user of `beside` could do to `clone`. */
  crossing: Record<string, boolean>
  resumed: Seen
  besideClosed: Seen
  files: { machine: Modes; run: Modes }
  templates: Modes
}

// The user is on a host of its own, made of namespaces, so that no machine beside these tests hears of it.
beforeAll(async () => {
  // An image of its own, for the folder of the one that all share may be closed to everybody but us.
  data = await makeDataFolder([])
  await mkdir(join(data, 'images'))
  await execa('cp', ['-a', join(inject('sharedData'), 'images', 'debian-12-local'), join(data, 'images')])
  await chmod(data, 0o711)
  folder = await mkdtemp(join(tmpdir(), 'mayfly-user-'))
  closed = await makeDataFolder([])
  for (const open of [closed, folder]) await chmod(open, 0o711)
  await mkdir(join(folder, 'home'), { mode: 0o700 })
  await symlink(join(data, 'images'), join(folder, 'home', 'images'))
  await symlink(join(folder, 'home', 'images'), join(closed, 'images'))
  const line = `mayfly-qemu:x:${user}:${user}::/:/usr/sbin/nologin\n`
  await writeFile(join(folder, 'passwd'), `${await readFile('/etc/passwd', 'utf8')}${line}`)
  await writeFile(join(folder, 'subuid'), `mayfly-qemu:${first.uid}:10\n`)
  await writeFile(join(folder, 'subgid'), `mayfly-qemu:${first.gid}:10\n`)
  const here = import.meta.dirname
  const mounts = ['passwd', 'subuid', 'subgid'].map(
    (name) => `mount --bind ${join(folder, name)} /etc/${name}`,
  )
  const mount = `${mounts.join(' && ')} && exec "$@"`
  const child = [process.execPath, '--import', 'tsx', join(here, 'qemu-user-child.ts'), data, closed]
  const world = join(here, '..', 'isolation', 'world')
  const { stdout } = await execa('sh', [world, folder, 'sh', '-c', mount, 'sh', ...child])
  found = JSON.parse(stdout)
})

afterAll(async () => {
  for (const each of [data, closed]) await removeDataFolder(each)
  await rm(folder, { recursive: true, force: true })
})

const none = '0'.repeat(16)
const confined = isRoot
  ? { groups: user, effective: none, bounding: none, answers: 'alive' }
  : { uid: String(process.getuid?.()), effective: none, answers: 'alive' }

/** Its place in the range. */
const placeOf = ({ uid, gid }: Seen) => {
  expect(Number(gid) - first.gid).toBe(Number(uid) - first.uid)
  return Number(uid) - first.uid
}

describe('where there is a user for QEMU', () => {
  it('a machine runs as a user of its own without any capability, from its template and in a network of its own', () => {
    expect(found.clone).toMatchObject({ ...confined, strategy: 'template' })
    if (isRoot) {
      expect(found.clone.confinement).toContain(
        `runs as user ${found.clone.uid}, which no other machine has;`,
      )
      expect(placeOf(found.clone)).toBeGreaterThanOrEqual(0)
      expect(placeOf(found.clone)).toBeLessThan(10)
    }
    expect(found.clone.confinement).toContain('own network')
  })

  it('one beside it has another user, which gets at what all stand on and at nothing of its neighbour', () => {
    expect(found.beside).toMatchObject({ ...confined, strategy: 'template' })
    if (!isRoot) return
    expect(placeOf(found.beside)).not.toBe(placeOf(found.clone))
    expect(found.crossing).toEqual({ template: true, disk: false, seed: false, socket: false, memory: false })
  })

  it('machines share the user where the range is gone, and say so', () => {
    if (!isRoot) return
    expect(found.without).toMatchObject({ uid: user, gid: user, groups: '', answers: 'alive' })
    expect(found.without.confinement).toContain(
      'runs as mayfly-qemu, as other machines do, for it has no range',
    )
  })

  it('its secrets can be forgotten and it can be parked, and it comes back as a user of its own', () => {
    expect(found.resumed).toMatchObject({ ...confined, strategy: 'parked' })
    if (isRoot) expect(placeOf(found.resumed)).toBeGreaterThanOrEqual(0)
  })

  it('a machine whose image lies where that user may not go runs as ours, and says which folder it is', () => {
    expect(found.besideClosed).toMatchObject({ uid: String(process.getuid?.()), answers: 'alive' })
    if (!isRoot) return
    const words = `runs as root, for ${join(folder, 'home')} is closed to mayfly-qemu`
    expect(found.besideClosed.confinement).toContain(words)
  })

  it('nothing of a machine or a template is open to the rest of the world', () => {
    const { machine, run } = found.files
    for (const modes of [machine, run]) expect(modes['']).toMatch(/^[01]\d\d0 0:/)
    for (const [name, mode] of Object.entries(found.templates)) {
      if (/\/(ram|state|manifest\.json)$/.test(name)) expect(`${name} ${mode}`).toMatch(/ \d\d\d0 0:/)
    }
    expect(Object.keys(found.templates).some((name) => name.endsWith('/ram'))).toBe(true)
  })

  it('its folder is not its own, and neither are our files in it', () => {
    if (!isRoot) return
    expect(found.files.machine['']).toBe(`0710 0:${found.clone.gid}`)
    expect(found.files.machine['machine.json']).toBe('0600 0:0')
    expect(found.files.machine['overlay.qcow2']).toBe(`0600 ${found.clone.uid}:${found.clone.gid}`)
    expect(found.files.run['']).toBe(`1770 0:${found.clone.gid}`)
    expect(found.files.run['login-key']).toBe('0600 0:0')
  })
})
