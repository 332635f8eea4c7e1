import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Machine } from '../../../runner/machine/machine.ts'
import { parkedFolder } from '../../../runner/park/filenames.ts'
import { readParkedManifest } from '../../../runner/park/parked-manifest.ts'
import { resumeOnHost } from '../../../runner/resume-on-host.ts'
import { localImage, output, plainHost, startBoot } from '../acceptance/boot.ts'
import { dataOnSharedTemplates, startClone } from '../templates/clones.ts'

const signal = new AbortController().signal

/** What a failed step leaves: a process with something in memory, a file of which it has read a part, one that is deleted. */
const leaves = `
echo "$TOKEN" >token.txt; sync
seq 100000 >numbers; seq 7 9 >deleted
cat >lives.py <<'END'
import os, signal, time
held = [os.urandom(16).hex() for _ in range(20000)]
os.environ.pop("TOKEN")
numbers = open("numbers"); deleted = open("deleted"); os.unlink("deleted")
first = [next(numbers) for _ in range(5)]
print(held[0] + held[-1], flush=True)
def tell(*_):
    with open("told", "a") as told:
        told.write(held[0] + held[-1] + " " + next(numbers).strip() + " " + deleted.read().split()[0] + "\\n")
    deleted.seek(0)
signal.signal(signal.SIGUSR1, tell)
while True: time.sleep(1)
END
setsid python3 lives.py >first 2>/dev/null </dev/null & echo $! >pid
until [ -s first ]; do sleep 0.1; done`

const asked =
  'cd ~/work && rm -f told && kill -USR1 $(cat pid) && until [ -s told ]; do sleep 0.1; done; cat told'

describe('a machine that is parked', () => {
  it.each(['template', 'cold'] as const)(
    'goes on where it stood, with its processes and open files, as often as it is resumed (%s)',
    async (strategy) => {
      const data = await dataOnSharedTemplates()
      const jobFolder = await mkdtemp(join(tmpdir(), 'mayfly-park-'))
      onTestFinished(() => rm(jobFolder, { recursive: true }))
      const boot = strategy === 'cold' ? await startBoot({ data }) : await startClone({ data })
      const machine = await boot.ready
      onTestFinished(async () => {
        await machine.destroy('now')
      })
      const secret = `s3cret-${randomBytes(12).toString('hex')}`
      await machine.prepare({ workdir: '/home/ci/work', env: {} }, signal)
      await machine.addSecrets({ TOKEN: secret }, signal)
      const step = { index: 0, name: 'leaves', script: leaves, shell: 'sh -e', env: {}, timeout: undefined }
      expect(await machine.runStep({ ...step, onOutput: () => undefined }, signal)).toMatchObject({ code: 0 })
      const held = await output(machine, 'cat ~/work/first')
      const hostKey = await output(machine, 'cat /etc/ssh/ssh_host_ed25519_key.pub')
      await machine.forgetSecrets([secret], signal)

      const manifest = await machine.park(jobFolder, signal)
      expect(await machine.destroy('now')).toMatchObject({})
      const folder = parkedFolder(jobFolder)
      expect(await readdir(jobFolder)).toEqual(['parked'])
      expect(await readParkedManifest(folder)).toEqual(manifest)
      expect(manifest).toMatchObject({ id: machine.id, hasBase: strategy === 'template' })
      expect(manifest.bytes).toBeLessThan(400e6)
      for (const name of await readdir(folder))
        expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600)
      const plain = await unpacked(folder)
      // What was not a secret is there, so a secret would have been found.
      expect(plain['state.zst']?.includes(held.slice(0, 32))).toBe(true)
      for (const [name, bytes] of Object.entries(plain)) expect(bytes.includes(secret), name).toBe(false)

      const resumed = await resume(data, folder)
      expect(await output(resumed, asked)).toBe(`${held} 6 7`)
      expect(await output(resumed, 'cat ~/work/token.txt')).toBe('*'.repeat(secret.length))
      expect(await output(resumed, 'cat /etc/ssh/ssh_host_ed25519_key.pub')).not.toBe(hostKey)
      const off = Number(await output(resumed, 'date +%s.%N')) - Date.now() / 1000
      expect(Math.abs(off)).toBeLessThan(2)
      const random = await output(resumed, 'head -c 32 /dev/urandom | od -An -tx1')

      // Parked again as it stands by now, and resumed from there; the first time is replaced.
      await resumed.park(jobFolder, signal)
      await resumed.destroy('now')
      const again = await resume(data, folder)
      expect(await output(again, asked)).toBe(`${held} 7 7`)
      expect(await output(again, 'head -c 32 /dev/urandom | od -An -tx1')).not.toBe(random)
      await again.destroy('now')
      expect(await readdir(join(data, 'machines'))).toEqual([])
    },
  )

  it('is not resumed by a host that is another, nor from files that are damaged', async () => {
    const data = await dataOnSharedTemplates()
    const jobFolder = await mkdtemp(join(tmpdir(), 'mayfly-park-'))
    onTestFinished(() => rm(jobFolder, { recursive: true }))
    const machine = await (await startClone({ data })).ready
    const manifest = await machine.park(jobFolder, signal)
    await machine.destroy('now')
    const folder = parkedFolder(jobFolder)
    const resumeAs = async (over: object) =>
      resumeOnHost({ host: await plainHost(), dataFolder: data })({
        ...{ folder, image: await localImage(), signal, manifest: { ...manifest, ...over } },
        ...{ onNote: () => undefined, onConsole: () => undefined },
      })
    await expect(resumeAs({ resumeKey: 'f'.repeat(16), qemu: '6.0.0' })).rejects.toThrow(
      'it was parked with QEMU 6.0.0, and this host has ',
    )
    const state = join(folder, 'state.zst')
    const bytes = await readFile(state)
    bytes.fill(0, bytes.length >> 1, (bytes.length >> 1) + 64)
    await writeFile(state, bytes)
    await expect(resumeAs({})).rejects.toThrow('could not be written')
    expect(await readdir(join(data, 'machines'))).toEqual([])
  })
})

async function resume(data: string, folder: string): Promise<Machine> {
  const machine = await resumeOnHost({ host: await plainHost(), dataFolder: data })({
    manifest: await readParkedManifest(folder),
    folder,
    image: await localImage(),
    signal,
    onNote: () => undefined,
    onConsole: () => undefined,
  })
  onTestFinished(async () => {
    await machine.destroy('now')
  })
  return machine
}

async function unpacked(folder: string): Promise<Record<string, Buffer>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.zst'))
  const entries = await Promise.all(
    names.map(async (name) => {
      const { stdout } = await execa('zstd', ['-dc', join(folder, name)], {
        encoding: 'buffer',
        maxBuffer: 2 ** 31,
      })
      return [name, Buffer.from(stdout)] as const
    }),
  )
  return Object.fromEntries(entries)
}
