import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { createBench, expectNothingLeft } from '../mayfly.ts'
import { type StockImage, stockImage } from './stock-image.ts'

let image: StockImage

beforeAll(async () => {
  image = await stockImage(join(inject('sharedData'), 'stock-image'))
})

const hostFile = ({ disk, kernel, initrd }: StockImage) => `
images:
  stock:
    path: ${disk}
    kernel: ${kernel}
    initrd: ${initrd}
    append: root=/dev/vda1 ro console=ttyS0
    user: debian
    seed: cloud-init
    resources: { cpus: 2, memory: 1GiB, disk: 5GiB }
    user_data: |
      #!/bin/sh
      echo "script of the image" >/etc/from-image
`

// One boot takes a minute under emulation, so one job looks at everything; a command of cloud-init's takes ten seconds,
// so it looks into the files.
const pipeline = `
image: stock
network: none
user_data: |
  #cloud-config
  write_files:
    - { path: /etc/from-job, content: "file of the job\\n" }
  runcmd:
    - [sh, -c, 'echo "command of the job" >/etc/from-runcmd']
  ssh_authorized_keys: []
  ssh_pwauth: true
steps:
  - name: whole
    run: |
      sudo cat /run/cloud-init/result.json
      echo "datasource $(cat /run/cloud-init/cloud-id) $(sudo grep -o 'DataSource[^"]*' /run/cloud-init/result.json)"
      echo "instance $(cat /var/lib/cloud/data/instance-id) host $(hostname)"
      echo "user $(id -un) root $(sudo -n id -un)"
  - name: custom user-data
    run: cat /etc/from-image /etc/from-job /etc/from-runcmd
  - name: network
    run: |
      ip -4 -brief address show eth0
      sudo cat /etc/netplan/50-cloud-init.yaml
      ls /sys/class/net
  - name: disk
    run: |
      findmnt -no SOURCE /
      df -B1 --output=size / | tail -n 1
  - name: keys
    run: |
      ls /etc/ssh/ssh_host_*
      ssh-keygen -lf ~/.ssh/authorized_keys
      sudo sshd -T | grep -E '^(passwordauthentication|permitrootlogin) '
`

const fromTemplate = `
image: stock
network: none
steps:
  - name: identity
    run: |
      echo "host $(hostname) $(cat /etc/hostname)"
      ssh-keygen -lf ~/.ssh/authorized_keys
      grep ^ADDRESS= /run/systemd/netif/leases/*
`

describe('a stock image with cloud-init as its distribution has it', () => {
  it('AC1, AC12, AC16, AC22: is set up by its cloud-init from the seed, and runs a job', async () => {
    const bench = await createBench({ withImage: false })
    await writeFile(join(bench.work, 'host.yml'), hostFile(image))
    const run = await bench.run(pipeline, ['--config', 'host.yml'])
    expect(run.output).toContain('passed')
    expect(run.code).toBe(0)
    expect(run.record?.machine?.gates.map(({ name }) => name)).toEqual([
      ...['qmp', 'banner', 'auth', 'nonce'],
      'user-data',
    ])
    const { log, record } = run
    const id = record?.id.toLowerCase()
    expect(log).toContain('"errors": []\n')
    expect(log).toMatch(/\ndatasource nocloud DataSourceNoCloud \[seed=\/dev\/sr0\]/)
    expect(log).toContain(`instance ${id} host ${id}\n`)
    expect(log).toContain('user debian root root\n')

    expect(log).toContain('script of the image\nfile of the job\ncommand of the job\n')

    expect(log).toMatch(/\neth0 +UP +10\.0\.2\.15\/24/)
    expect(log).toMatch(/macaddress: "?52:54:00:/)

    const [, size] = /\n\/dev\/vda1\n *(\d+)\n/.exec(log) ?? []
    expect(Number(size)).toBeGreaterThan(4.5 * 2 ** 30)

    const hostKeys = log.split('\n').filter((line) => line.startsWith('/etc/ssh/ssh_host_'))
    expect(hostKeys).toEqual(['/etc/ssh/ssh_host_ed25519_key', '/etc/ssh/ssh_host_ed25519_key.pub'])
    expect(log).toContain(` ${record?.machine?.keyFingerprint} `)
    expect(log).toContain('passwordauthentication no\n')
    expect(log).toMatch(/permitrootlogin (no|without-password)\n/)
    await expectNothingLeft(bench)
  })

  it('is frozen and cloned as ours is, also without /etc/hosts', async () => {
    const bench = await createBench({ withImage: false })
    await writeFile(join(bench.work, 'host.yml'), hostFile(image))
    const run = await bench.run(fromTemplate, ['--config', 'host.yml'])
    expect(run.code, run.output).toBe(0)
    expect(run.record?.machine?.strategy, run.output).toBe('template')
    const { log, record } = run
    const id = record?.id.toLowerCase()
    expect(log).toContain(`\nhost ${id} ${id}\n`)
    expect(log).toContain(` ${record?.machine?.keyFingerprint} `)
    expect(log).toContain('ADDRESS=10.0.2.15')
    await expectNothingLeft(bench)
  })
})
