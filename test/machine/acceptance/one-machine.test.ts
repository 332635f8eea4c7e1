import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { execa } from 'execa'
import ssh2 from 'ssh2'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Machine, StepExit } from '../../../runner/machine/machine.ts'
import { readMachineRecord } from '../../../runner/machine/machine-record.ts'
import { qemuProcesses } from '../mayfly.ts'
import { type Boot, localImage, makeDataFolder, output, removeDataFolder, startBoot } from './boot.ts'
import { commandLine, valuesOf } from './command-line.ts'
import { listeningOn } from './process-sockets.ts'

const gib = 2 ** 30
// A guest on a loaded host needs longer to shut itself down than the ten seconds of the default.
const stop = { powerdown: 120_000, term: 5_000, orphaned: 900_000, running: 'leave' } as const
const signal = new AbortController().signal

let data: string
let boot: Boot
let machine: Machine
let args: string[]
let recordAtFirstGate: string | undefined
const early: Buffer[] = []

beforeAll(async () => {
  data = await makeDataFolder()
  boot = await startBoot({
    data,
    resources: { cpus: 3, memory: 1536 * 2 ** 20, disk: 12 * gib },
    host: { stop },
    onGate: () => {
      recordAtFirstGate ??= readFileSync(boot.paths.record, 'utf8')
    },
  })
  machine = await boot.ready
  machine.console.listen((chunk) => early.push(chunk))
  await machine.prepare({ workdir: '/home/ci/work', env: {} }, signal)
  args = await commandLine(machine.facts.pid ?? 0)
})

afterAll(async () => {
  await machine?.destroy('now')
  await removeDataFolder(data)
})

describe('a machine that boots', () => {
  it('AC1: has its root on the overlay, its only virtio disk', async () => {
    expect(await output(machine, 'findmnt -no SOURCE /')).toBe('/dev/vda')
    expect(await output(machine, 'ls /sys/bus/virtio/drivers/virtio_blk | grep -c virtio')).toBe('1')
    expect(valuesOf(args, '-device').filter((device) => device.startsWith('virtio-blk'))).toHaveLength(1)
    expect(valuesOf(args, '-drive')[0]).toContain(`file=${boot.paths.overlay},if=none,id=d0,format=qcow2,`)
    const marker = randomBytes(24).toString('hex')
    await output(machine, `echo ${marker} >marker && sync`)
    expect((await readFile(boot.paths.overlay)).includes(marker)).toBe(true)
  })

  it('AC1: gives its kernel the seed as a read-only CD, each file byte for byte', async () => {
    const { seed } = boot.paths
    expect(valuesOf(args, '-drive')).toContain(
      `file=${seed},if=none,id=cd0,format=raw,media=cdrom,readonly=on`,
    )
    expect(valuesOf(args, '-device')).toContain('ide-cd,drive=cd0,bus=ide.0')
    const inGuest = await output(
      machine,
      `set -e; mkdir /tmp/cd; sudo mount /dev/sr0 /tmp/cd 2>/dev/null
       sudo blkid -o value -s LABEL /dev/sr0; findmnt -no FSTYPE,OPTIONS /tmp/cd; cd /tmp/cd; sha256sum *`,
    )
    const [label, mount, ...files] = inGuest.split('\n')
    expect(label).toBe('cidata')
    expect(mount).toMatch(/^iso9660 +ro,/)
    const names = (await isoinfo(seed, '-f')).toString().trim().split('\n').sort()
    expect(names).toEqual(['/mayfly.sh', '/meta-data', '/network-config', '/user-data'])
    const onHost = await Promise.all(
      names.map(async (name) => `${sha256(await isoinfo(seed, '-x', name))}  ${name.slice(1)}`),
    )
    expect(files).toEqual(onHost)
  })

  it('AC2: has the 3 CPUs and the 1536 MiB that it was asked for', async () => {
    expect(valuesOf(args, '-smp')).toEqual(['3'])
    expect(valuesOf(args, '-m')).toEqual(['1536M'])
    expect(await output(machine, 'nproc')).toBe('3')
    const kibibytes = Number(await output(machine, `awk '/^MemTotal/ { print $2 }' /proc/meminfo`))
    expect(kibibytes / 1024).toBeGreaterThan(1400)
    expect(kibibytes / 1024).toBeLessThanOrEqual(1536)
  })

  it('AC3: gets a script as 0755 by SFTP, and runs it by its path', async () => {
    const path = '/home/ci/work/build.sh'
    await machine.putFile(path, Buffer.from('#!/bin/sh\necho ran as $(basename "$0")\n'), 0o755, signal)
    expect(await output(machine, `stat -c %a ${path}; ${path}`)).toBe('755\nran as build.sh')
    const step = await runStep(
      0,
      'test -n "$AGAIN" && echo by its path && exit; AGAIN=1 "$0"; stat -c %a "$0"',
    )
    expect(step).toEqual({
      exit: { kind: 'exited', code: 0, diskFull: false },
      printed: 'by its path\n755\n',
    })
  })

  it('AC3: fails a step whose script could not be made executable, instead of running it', async () => {
    const server = '/usr/lib/openssh/sftp-server'
    const wrapper = `#!/bin/sh\nexec ${server}.real -P fsetstat "$@"\n`
    await machine.putFile('/home/ci/work/no-chmod', Buffer.from(wrapper), 0o755, signal)
    await output(machine, `sudo mv ${server} ${server}.real && sudo cp work/no-chmod ${server}`)
    await restartSftp('sftp-server.rea')
    await expect(runStep(1, 'echo never')).rejects.toMatchObject({
      class: 'upload',
      message: expect.stringMatching(/the script of step "1" could not be put .*Permission denied/),
    })
    await output(machine, `sudo mv ${server}.real ${server}`)
    await restartSftp('sftp-server')
    expect((await runStep(2, 'echo now')).printed).toBe('now\n')
  })

  it('AC5: is on record with its process before its first gate', async () => {
    const { qemu } = (await readMachineRecord(boot.paths.record)) ?? {}
    expect(JSON.parse(recordAtFirstGate ?? '{}').qemu).toEqual(qemu)
    expect(qemu?.pid).toBe(machine.facts.pid)
    expect((await qemuProcesses(data)).map(({ pid }) => pid)).toEqual([qemu?.pid])
  })

  it('AC7, AC41: listens for SSH on a port of 127.0.0.1 and nowhere else', async () => {
    const { pid = 0, sshPort } = machine.facts
    expect(sshPort).toBeGreaterThan(1023)
    expect(await listeningOn(pid)).toEqual([`127.0.0.1:${sshPort}`])
    expect(valuesOf(args, '-netdev')[0]).toMatch(/,hostfwd=tcp:127\.0\.0\.1:0-:22$/)
  })

  it('AC12: lets nobody in by password, only by the key of this job', async () => {
    const username = 'ci'
    const key = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private
    const refused = await refusedLogins([
      { type: 'none', username },
      { type: 'password', username, password: '' },
      { type: 'password', username, password: 'ci' },
      { type: 'keyboard-interactive', username, prompt: (_n, _i, _l, _p, finish) => finish(['ci']) },
      { type: 'publickey', username, key },
    ])
    expect(refused).toEqual(Array(5).fill(['publickey']))
    expect(await output(machine, 'sudo passwd -S ci | cut -d " " -f 2')).toMatch(/^(L|NP)$/)
  })

  it('AC21: has exactly one authorized key, the one of this job', async () => {
    const files = await output(machine, 'sudo find / -xdev -name "authorized_keys*" -type f')
    expect(files).toBe('/home/ci/.ssh/authorized_keys')
    const keys = await output(machine, `ssh-keygen -lf ${files}`)
    expect(keys).toMatch(/^256 SHA256:\S+ .* \(ED25519\)$/)
    expect(keys).toContain(machine.facts.keyFingerprint)
  })

  it('AC16: has a disk as large as it was asked for, and a root file system that fills it', async () => {
    expect(machine.facts.disk).toBe(12 * gib)
    expect(await imageInfo(boot.paths.overlay)).toMatchObject({ 'virtual-size': 12 * gib })
    expect(await output(machine, 'lsblk -bdno SIZE /dev/vda')).toBe(String(12 * gib))
    expect(Number(await output(machine, 'df -B1 --output=size / | tail -n 1'))).toBeGreaterThan(11.5 * gib)
  })

  it('AC17: stands on the image of the catalogue, its format given and not guessed', async () => {
    const image = await localImage()
    const info = await imageInfo(boot.paths.overlay)
    expect(info).toMatchObject({ format: 'qcow2', 'backing-filename-format': 'qcow2' })
    expect(await stat(String(info['backing-filename']))).toMatchObject({ ino: (await stat(image.disk)).ino })
  })

  it('AC25: is ready only after all its gates, a real login among them', async () => {
    expect(boot.gates).toEqual(['qmp', 'banner', 'auth', 'nonce'])
    expect(machine.facts.gates.map(({ name }) => name)).toEqual(boot.gates)
  })

  it('AC44: has its whole boot on record although nobody was attached to its console', async () => {
    // The listening socket has one row; each connection to it would have another (proc_net(5)).
    const sockets = await readFile('/proc/net/unix', 'utf8')
    expect(sockets.split('\n').filter((row) => row.endsWith(boot.paths.serialSocket))).toHaveLength(1)
    const late: Buffer[] = []
    const stop = machine.console.listen((chunk) => late.push(chunk))
    await vi.waitFor(async () =>
      expect(Buffer.concat(late).equals(await readFile(boot.paths.console))).toBe(true),
    )
    stop()
    const text = Buffer.concat(late).toString('latin1')
    expect(text).toContain('Linux version')
    expect(text).toContain('mayfly: seed read')
    expect(text.indexOf('Linux version')).toBeLessThan(4096)
  })

  it('AC43, AC45: hands every byte of its console to every listener, also what is no text', async () => {
    const late: Buffer[] = []
    machine.console.listen((chunk) => late.push(chunk))
    const bytes = Buffer.concat([
      Buffer.from('\xff\xfe\xc3(\x00\x80', 'latin1'),
      Buffer.from('\x1b[31mKer\rnel pan\ric\x1b[0m of letters\n'),
    ])
    const octal = [...bytes].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')
    await output(
      machine,
      `sudo sh -c "stty -F /dev/ttyS0 raw; printf '%b' '${octal}' >/dev/ttyS0; echo the-end >/dev/ttyS0"`,
    )
    await vi.waitFor(() => expect(Buffer.concat(late).includes('the-end')).toBe(true), { timeout: 10_000 })
    const [first, second, third] = [boot.console(), Buffer.concat(early), Buffer.concat(late)]
    expect(first.includes(bytes)).toBe(true)
    expect(second.equals(first)).toBe(true)
    expect(third.equals(first)).toBe(true)
    const lines = machine.console.tail(3)
    expect(lines.some((line) => line.endsWith('Kernel panic of letters'))).toBe(true)
    expect(lines.at(-1)).toBe('the-end')
  })

  // The last of the file, for it ends the machine.
  it('AC6: ends by its power button when it is stopped, well within the time for that', async () => {
    const pid = machine.facts.pid ?? 0
    const { rung, ms } = await machine.destroy('graceful')
    expect(rung).toBe('powerdown')
    expect(ms).toBeLessThan(stop.powerdown)
    expect(boot.console().toString('latin1')).toContain('Power down')
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
    await expect(stat(boot.paths.folder)).rejects.toThrow(/ENOENT/)
    await expect(stat(boot.paths.runFolder)).rejects.toThrow(/ENOENT/)
    expect(await machine.ended).toEqual({ kind: 'stopped' })
  })
})

/** Ends the guest's SFTP server and waits until calls are answered by another, whose short name is given. */
async function restartSftp(name: string): Promise<void> {
  await output(machine, 'pkill sftp-server')
  const isAnother = async () => {
    await machine.files.stat('/', signal)
    expect(await output(machine, 'ps -C sftp-server,sftp-server.rea -o comm=')).toBe(name)
  }
  await vi.waitFor(isAnother, { timeout: 60_000, interval: 200 })
}

async function runStep(index: number, script: string): Promise<{ exit: StepExit; printed: string }> {
  let printed = ''
  const onOutput = (chunk: Buffer) => {
    printed += chunk.toString('utf8')
  }
  const step = { index, name: String(index), script, shell: 'sh -e', env: {}, timeout: 60_000, onOutput }
  return { exit: await machine.runStep(step, signal), printed }
}

/** Tries these ways in, one after the other; gives, for each that was refused, what the guest would take instead. */
async function refusedLogins(ways: readonly ssh2.AnyAuthMethod[]): Promise<string[][]> {
  const refused: string[][] = []
  const left = ways.values()
  const client = new ssh2.Client()
  const authHandler: ssh2.AuthHandlerMiddleware = (methods, _partial, next) => {
    if (methods !== null) refused.push([...methods])
    const { value } = left.next()
    // Its types do not say so, but `false` is the end of the list.
    next(value ?? (false as unknown as ssh2.AnyAuthMethod))
  }
  const connection = { host: '127.0.0.1', port: machine.facts.sshPort ?? 0, username: 'ci', authHandler }
  const tried = new Promise<void>((resolve, reject) => {
    client.once('ready', () => reject(new Error('expected every login to be refused, one was not')))
    client.once('error', () => resolve())
    client.connect(connection)
  })
  await tried.finally(() => client.destroy())
  return refused
}

async function imageInfo(path: string): Promise<Record<string, unknown>> {
  const { stdout } = await execa('qemu-img', ['info', '-U', '--output=json', path])
  return JSON.parse(stdout) as Record<string, unknown>
}

/** What an independent ISO 9660 reader sees in the Joliet tree. */
async function isoinfo(seed: string, ...args: string[]): Promise<Buffer> {
  const { stdout } = await execa('isoinfo', ['-J', '-i', seed, ...args], {
    encoding: 'buffer',
    stripFinalNewline: false,
  })
  return Buffer.from(stdout)
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
