import { readFile } from 'node:fs/promises'
import ssh2 from 'ssh2'
import { describe, expect, it, vi } from 'vitest'
import type { KeyPair } from '../../../runner/keys/key-pair.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { findHostParts } from '../../../runner/start-on-host.ts'
import { ensureTemplate } from '../../../runner/template/ensure-template.ts'
import { fastHost, localImage, makeDataFolder, output, removeDataFolder } from '../acceptance/boot.ts'
import { clone, dataOnSharedTemplates, small, smallTemplate } from './clones.ts'

// Keys are made and kept in memory; this is how a test gets to know them.
const made = vi.hoisted(() => new Map<string, KeyPair>())
vi.mock('../../../runner/keys/key-pair.ts', async (original) => {
  const { makeKeyPair } = await original<typeof import('../../../runner/keys/key-pair.ts')>()
  return {
    makeKeyPair(comment: string) {
      const pair = makeKeyPair(comment)
      made.set(comment, pair)
      return pair
    },
  }
})

const signal = new AbortController().signal

/** What has to differ, each read by a fresh process, the first of all from the kernel's generator. */
const questions = {
  'the first bytes of the generator': 'head -c 32 /dev/urandom | od -An -tx1',
  "the kernel's uuid": 'cat /proc/sys/kernel/random/uuid',
  'the SSH host key': 'cat /etc/ssh/ssh_host_ed25519_key.pub',
  'the machine id': 'cat /etc/machine-id',
  'the hostname': 'hostname; cat /etc/hostname',
  'the key that opens it': 'cat ~/.ssh/authorized_keys',
  'the seed CD in the drive': 'sudo mount -o ro /dev/sr0 /mnt && cat /mnt/meta-data && sudo umount /mnt',
}

describe('two clones of one template', () => {
  it('differ in everything that makes a machine itself, and know the time', async () => {
    const data = await dataOnSharedTemplates()
    const machines = [await clone({ data }), await clone({ data })]
    for (const { facts } of machines) expect(facts.strategy).toBe('template')
    for (const [what, command] of Object.entries(questions)) {
      const answers = await Promise.all(machines.map((machine) => output(machine, command)))
      expect(answers[0], what).not.toBe('')
      expect(answers[0], what).not.toBe(answers[1])
    }
    for (const machine of machines) {
      expect(await output(machine, questions['the hostname'])).toBe(`${machine.id}\n${machine.id}`)
      expect(await output(machine, questions['the seed CD in the drive'])).toContain(
        `instance-id: "${machine.id}"`,
      )
      await expectRightTime(machine)
    }
  })

  it('see nothing of what the other wrote, on its disk or in its memory', async () => {
    const data = await dataOnSharedTemplates()
    const mark = `mark-${Math.random().toString(36).slice(2)}`
    const first = await clone({ data })
    await output(first, `echo ${mark} | sudo tee /root/mark /dev/shm/mark /etc/mark; sync`)
    const second = await clone({ data })
    const found = 'sudo find / -xdev -name mark 2>/dev/null; sudo ls -A /dev/shm'
    expect(await output(first, 'sudo cat /root/mark /dev/shm/mark')).toBe(`${mark}\n${mark}`)
    expect(await output(second, found)).toBe('')
    const { paths } = await smallTemplate(data)
    for (const path of [paths.ram, paths.disk]) {
      expect((await readFile(path)).includes(mark), path).toBe(false)
    }
  })
})

describe("a template's own key", () => {
  it('opens no clone', async () => {
    const data = await makeDataFolder(['images'])
    try {
      const image = await localImage()
      const host = await fastHost()
      const parts = await findHostParts({ image, signal }, { host, dataFolder: data })
      const subject = { image, resources: small, ...parts }
      const nothing = () => undefined
      const watched = { onGate: nothing, onNote: nothing, onConsole: nothing }
      await ensureTemplate({ subject, host, dataFolder: data, signal, ...watched })
      const [comment, ownKey] = [...made].find(([name]) => /^template-[0-9a-f]+-[0-9a-f]+$/.test(name)) ?? []
      expect(ownKey).toBeDefined()
      const machine = await clone({ data })
      expect(await tryKey(machine, made.get(machine.id))).toBe('let in')
      expect(await tryKey(machine, ownKey)).toBe('All configured authentication methods failed')
      expect(await output(machine, `sudo grep -rl ${comment} /etc /home /root /run || true`)).toBe('')
    } finally {
      await removeDataFolder(data)
    }
  })
})

/** Within a second, both ways, whatever time the question itself takes. */
async function expectRightTime(machine: Machine): Promise<void> {
  const before = Date.now() / 1000
  const [system, clock] = (await output(machine, 'date +%s.%N; sudo cat /sys/class/rtc/rtc0/since_epoch'))
    .split('\n')
    .map(Number)
  const after = Date.now() / 1000
  expect(system).toBeGreaterThan(before - 1)
  expect(system).toBeLessThan(after + 1)
  expect(clock).toBeGreaterThan(before - 2)
  expect(clock).toBeLessThan(after + 2)
}

function tryKey({ facts }: Machine, key: KeyPair | undefined): Promise<string> {
  const client = new ssh2.Client()
  return new Promise((resolve) => {
    client.once('ready', () => {
      client.end()
      resolve('let in')
    })
    client.once('error', (error) => resolve(error.message))
    client.connect({
      host: '127.0.0.1',
      port: facts.sshPort ?? 0,
      username: 'ci',
      privateKey: key?.privateKey ?? '',
      readyTimeout: 60_000,
    })
  })
}
