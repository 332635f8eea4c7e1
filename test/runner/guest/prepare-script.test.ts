import { readFile, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { guestPaths } from '../../../runner/guest/guest-paths.ts'
import { prepareScript } from '../../../runner/guest/prepare-script.ts'
import { createLocalGuest, type LocalGuest } from './local-guest.ts'

const modeOf = async (guest: LocalGuest, path: string) => (await stat(guest.map(path))).mode & 0o777

async function prepareWithProxy(guest: LocalGuest): Promise<void> {
  const script = prepareScript({
    user: userInfo().username,
    workdir: guest.workdir,
    env: {},
    proxyPort: 4321,
  })
  const { exitCode, stderr } = await guest.sh('sh -s', guest.map(script))
  expect(exitCode, stderr).toBe(0)
}

describe('the preparation of a guest', () => {
  it('makes folders and files for their owner alone', async () => {
    const guest = await createLocalGuest()
    await guest.prepare()
    expect(await modeOf(guest, guestPaths.jobFolder)).toBe(0o700)
    expect(await modeOf(guest, guestPaths.outputFolder)).toBe(0o700)
    expect(await modeOf(guest, guestPaths.env)).toBe(0o600)
    expect(await modeOf(guest, guestPaths.envFile)).toBe(0o600)
    expect((await stat(guest.workdir)).isDirectory()).toBe(true)
  })

  it('keeps every value of the environment as it is, whatever is in it', async () => {
    const guest = await createLocalGuest()
    const env = { A: `it's "quoted"\n$(id)\n`, B: 'END_OF_FILE\nEND_OF_FILE_\n', C: '', D: 'ü\\n' }
    await guest.prepare(env)
    const { stdout } = await guest.sh(
      `. ${guestPaths.env}; for v in A B C D; do printenv $v; printf '\\001'; done`,
    )
    expect(stdout.split('\n\x01').slice(0, 4)).toEqual(Object.values(env))
  })

  it('says nothing of a proxy where there is no way out', async () => {
    const guest = await createLocalGuest()
    await guest.prepare()
    expect(await readFile(guest.map(guestPaths.env), 'utf8')).not.toContain('proxy')
  })

  it('tells programs, apt, git and sudo of the proxy where there is one', async () => {
    const guest = await createLocalGuest()
    await guest.sh('mkdir -p /etc/apt/apt.conf.d /etc/sudoers.d')
    await prepareWithProxy(guest)
    const etc = (path: string) => readFile(join(guest.root, 'etc', path), 'utf8')
    const { stdout } = await guest.sh(`. ${guestPaths.env}; echo $http_proxy $HTTPS_PROXY $no_proxy`)
    expect(stdout).toBe('http://127.0.0.1:4321 http://127.0.0.1:4321 localhost,127.0.0.1,::1\n')
    expect(await etc('apt/apt.conf.d/95mayfly-proxy')).toContain(
      'Acquire::http::Proxy "http://127.0.0.1:4321";',
    )
    expect(await etc('gitconfig')).toBe('[http]\n\tproxy = http://127.0.0.1:4321\n')
    expect(await etc('sudoers.d/mayfly-proxy')).toContain('env_keep += "http_proxy')
    expect((await stat(join(guest.root, 'etc/sudoers.d/mayfly-proxy'))).mode & 0o777).toBe(0o440)
  })

  it('adds to dnf where the guest has that, and leaves out what it does not have', async () => {
    const guest = await createLocalGuest()
    await guest.sh(`mkdir -p /etc/dnf && echo '[main]' >/etc/dnf/dnf.conf`)
    await prepareWithProxy(guest)
    const dnf = await readFile(join(guest.root, 'etc/dnf/dnf.conf'), 'utf8')
    expect(dnf).toBe('[main]\nproxy=http://127.0.0.1:4321\n')
    await expect(stat(join(guest.root, 'etc/apt'))).rejects.toThrow('ENOENT')
  })
})
