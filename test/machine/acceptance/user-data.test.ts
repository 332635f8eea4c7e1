import { readdir } from 'node:fs/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { type Boot, localImage, makeDataFolder, output, removeDataFolder, startBoot } from './boot.ts'

const ofImage = `#cloud-config
write_files:
  - { path: /etc/from-image, content: "of the image\\n" }
  - { path: /etc/from-both, content: "of the image\\n" }
timezone: Europe/Berlin
`

// The second half does its best to keep us out.
const ofJob = `#cloud-config
write_files:
  - { path: /etc/from-both, content: "of the job\\n", permissions: "0640" }
runcmd:
  - [sh, -c, "echo as $(id -un) >/etc/from-runcmd"]
users:
  - name: ci
    lock_passwd: true
    shell: /bin/false
    ssh_authorized_keys: []
ssh_authorized_keys: []
ssh_deletekeys: true
disable_root: false
`

let data: string
let boot: Boot
let machine: Machine

beforeAll(async () => {
  data = await makeDataFolder()
  const image = await localImage()
  boot = await startBoot({
    data,
    image: { ...image, profile: { ...image.profile, userData: ofImage } },
    resources: { cpus: 2, memory: 512 * 2 ** 20, disk: 2 ** 30 },
    userData: ofJob,
  })
  machine = await boot.ready
})

afterAll(async () => {
  await machine?.destroy('now')
  await removeDataFolder(data)
})

describe("a machine with the image's user-data and the job's", () => {
  it('AC22: is entered by the key of the job all the same, by the user it always was', async () => {
    expect(boot.gates).toEqual(['qmp', 'banner', 'auth', 'nonce', 'user-data'])
    expect(machine.facts.customUserData).toBe(true)
    const keys = await output(machine, 'ssh-keygen -lf ~/.ssh/authorized_keys')
    expect(keys).toContain(machine.facts.keyFingerprint)
    expect(await output(machine, 'getent passwd ci | cut -d : -f 6-; sudo -n id -un')).toBe(
      '/home/ci:/bin/bash\nroot',
    )
  })

  it('AC22: has everything that they asked for before its first step', async () => {
    const files = '/etc/from-image /etc/from-both /etc/from-runcmd'
    expect(await output(machine, `sudo cat ${files}`)).toBe('of the image\nof the job\nas root')
    expect(await output(machine, 'stat -c %a /etc/from-both; readlink /etc/localtime')).toMatch(
      /^640\n.*Europe\/Berlin$/,
    )
    // Its own command would take ten seconds of an emulated processor to say the same.
    const result = await output(machine, 'sudo cat /run/cloud-init/result.json')
    expect(JSON.parse(result)).toMatchObject({ v1: { errors: [] } })
  })

  it('AC22: keeps the host key that is pinned, so that a new connection is taken too', async () => {
    const { seed } = boot.paths
    const { stdout } = await execa('isoinfo', ['-J', '-i', seed, '-x', '/mayfly.sh'])
    const hostKey = await output(machine, 'cat /etc/ssh/ssh_host_ed25519_key.pub; ls /etc/ssh/*.pub | wc -l')
    const [key = '', count] = hostKey.split('\n')
    expect(stdout).toContain(key)
    expect(count).toBe('1')
    // A connection that breaks is made anew.
    await output(machine, 'pkill -u ci sshd').catch(() => undefined)
    expect(await output(machine, 'id -un')).toBe('ci')
  })

  it('AC16: has the size of its image when it is asked to be smaller, for a disk never shrinks', async () => {
    const { virtualSize } = await localImage()
    expect(machine.facts.disk).toBe(virtualSize)
    expect(await output(machine, 'lsblk -bdno SIZE /dev/vda')).toBe(String(virtualSize))
    const { stdout } = await execa('qemu-img', ['info', '-U', '--output=json', boot.paths.overlay])
    expect(JSON.parse(stdout)['virtual-size']).toBe(virtualSize)
  })
})

describe('user-data that does not work', () => {
  it('AC22: is refused with its line before anything is started', async () => {
    const { ready, paths, gates } = await startBoot({ data, userData: '#cloud-config\nruncmd: [\n' })
    await expect(ready).rejects.toThrow(/^user-data:\d+:\d+: Expected YAML/)
    expect(gates).toEqual([])
    expect(await readdir(data)).not.toContain(paths.folder)
  })

  it('AC22: is told from cloud-init and ends the boot when only the guest can see that it is wrong', async () => {
    const failing = '#cloud-config\nwrite_files:\n  - { path: /proc/none/file, content: x }\n'
    const { ready, gates } = await startBoot({ data, userData: failing })
    const error = await ready.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(InfraError)
    expect(error).toMatchObject({ class: 'boot', hint: expect.stringContaining('cloud-init') })
    expect(String(error)).toContain('gate user-data')
    expect(gates).toEqual(['qmp', 'banner', 'auth', 'nonce'])
  })
})
