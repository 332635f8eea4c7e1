import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { machinePaths } from '../../../runner/machine/filenames.ts'

const uid = process.getuid?.() ?? 0
const other = uid === 0 ? 1000 : uid

describe('machinePaths', () => {
  it('names everything a machine keeps', () => {
    expect(machinePaths({ dataFolder: '/data', id: 'm-1', env: {}, uid: 1000 })).toEqual({
      folder: '/data/machines/m-1',
      overlay: '/data/machines/m-1/overlay.qcow2',
      seed: '/data/machines/m-1/seed.iso',
      console: '/data/machines/m-1/console.raw',
      qemuLog: '/data/machines/m-1/qemu.log',
      lease: '/data/machines/m-1/lease',
      exit: '/data/machines/m-1/exit',
      firmwareVars: '/data/machines/m-1/firmware-vars.fd',
      record: '/data/machines/m-1/machine.json',
      runFolder: '/tmp/mayfly-1000/m-1',
      qmpSocket: '/tmp/mayfly-1000/m-1/qmp.sock',
      serialSocket: '/tmp/mayfly-1000/m-1/serial.sock',
      controlSocket: '/tmp/mayfly-1000/m-1/control.sock',
      networkSocket: '/tmp/mayfly-1000/m-1/net.sock',
      stateSocket: '/tmp/mayfly-1000/m-1/state.sock',
    })
  })

  it('has the sockets of root in /run/mayfly, whatever the session says', () => {
    const paths = machinePaths({ dataFolder: '/data', id: 'm1', env: { XDG_RUNTIME_DIR: tmpdir() }, uid: 0 })
    expect(paths.qmpSocket).toBe('/run/mayfly/m1/qmp.sock')
  })

  it("takes the session's folder when it is there, is the user's and leaves the path short enough", () => {
    const session = mkdtempSync(join(tmpdir(), 'mayfly-session-folder-'))
    const runFolder = (XDG_RUNTIME_DIR: string, id = 'm1', user = other) =>
      machinePaths({ dataFolder: '/data', id, env: { XDG_RUNTIME_DIR }, uid: user }).runFolder
    try {
      chownSync(session, other, -1)
      expect(runFolder(session)).toBe(join(session, 'mayfly/m1'))
      expect(runFolder(session, 'm1', other + 1)).toBe(`/tmp/mayfly-${other + 1}/m1`)
      expect(runFolder(session, 'm'.repeat(63))).toBe(`/tmp/mayfly-${other}/${'m'.repeat(63)}`)
      expect(runFolder(join(session, 'gone'))).toBe(`/tmp/mayfly-${other}/m1`)
      expect(runFolder('relative')).toBe(`/tmp/mayfly-${other}/m1`)
    } finally {
      rmSync(session, { recursive: true })
    }
  })

  it('keeps socket paths within 107 bytes whatever the data folder is called', () => {
    const id = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/)
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), id, fc.nat(2 ** 32 - 1), (dataFolder, machine, user) => {
        const paths = machinePaths({ dataFolder: `/${dataFolder}`, id: machine, env: {}, uid: user })
        expect(Buffer.byteLength(paths.serialSocket)).toBeLessThanOrEqual(107)
        expect(Buffer.byteLength(paths.qmpSocket)).toBeLessThanOrEqual(107)
      }),
    )
  })

  it.each(['', '.', '..', '../x', 'a/b', 'A', '-a', 'x'.repeat(64)])('refuses the machine id "%s"', (id) => {
    expect(() => machinePaths({ dataFolder: '/data', id, env: {}, uid: 1000 })).toThrow(ConfigError)
  })
})
