import { randomBytes } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Machine } from '../../../runner/machine/machine.ts'
import { output, startBoot } from '../acceptance/boot.ts'
import { dataOnSharedTemplates, startClone } from '../templates/clones.ts'

const signal = new AbortController().signal

/** Leaves a secret wherever a job leaves one: a process that lives on, a file, an argument, freed memory. */
const spreads = `
setsid sh -c 'held="$TOKEN"; sleep 1000' >/dev/null 2>&1 </dev/null &
echo "$TOKEN" >token.txt; sync; echo "Authorization: Basic $(printf %s "user:$TOKEN" | base64 -w0)" >header.txt
sh -c 'true' "$TOKEN"; cat token.txt >/dev/null; head -c 200000 /dev/zero >other.bin`

describe('a machine that forgets its secrets', () => {
  it.each(['template', 'cold'] as const)(
    'holds them nowhere afterwards, in memory or on disk, and runs on (%s)',
    async (strategy) => {
      const data = await dataOnSharedTemplates()
      const boot = strategy === 'cold' ? await startBoot({ data }) : await startClone({ data })
      const machine = await boot.ready
      onTestFinished(async () => {
        await machine.destroy('now')
      })
      expect(machine.facts.strategy).toBe(strategy)
      const secret = `s3cret-${randomBytes(12).toString('hex')}`
      await machine.prepare({ workdir: '/home/ci/work', env: {} }, signal)
      await machine.addSecrets({ TOKEN: secret }, signal)
      const step = { index: 0, name: 'spread', script: spreads, shell: 'sh -e', env: {}, timeout: undefined }
      expect(await machine.runStep({ ...step, onOutput: () => undefined }, signal)).toMatchObject({ code: 0 })
      const { overlay } = boot.paths
      const before = await placesOf(secret, machine, overlay)
      expect(before.memory).toBeGreaterThan(2)
      expect(before.disk).toBeGreaterThan(0)

      await machine.forgetSecrets([secret], signal)

      expect(await placesOf(secret, machine, overlay)).toEqual({ memory: 0, disk: 0 })
      const stars = '*'.repeat(secret.length)
      expect(await output(machine, 'cat /home/ci/work/token.txt')).toBe(stars)
      expect(await output(machine, "tr '\\0' '\\n' <\"/proc/$(pgrep -n sleep)/environ\"")).toContain(
        `TOKEN=${stars}`,
      )
      expect(await output(machine, 'ls /run/mayfly/job/secrets 2>&1 || true')).toContain('No such file')
      expect(
        await output(machine, 'sudo -n dd if=/dev/vda of=/dev/null bs=1M count=64 2>&1 && uname'),
      ).toContain('Linux')
    },
  )
})

/** How often it is found from the host, in all memory of QEMU and in the file of the disk. */
async function placesOf(secret: string, { facts }: Machine, overlay: string) {
  const needle = Buffer.from(secret)
  const maps = await readFile(`/proc/${facts.pid}/maps`, 'latin1')
  const memory = await open(`/proc/${facts.pid}/mem`, 'r')
  let found = 0
  for (const line of maps.split('\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
    if (from === undefined || to === undefined) continue
    const [start, end] = [Number.parseInt(from, 16), Number.parseInt(to, 16)]
    for (let at = start; at < end; at += 2 ** 24) {
      const bytes = Buffer.alloc(Math.min(2 ** 24 + needle.length, end - at))
      await memory.read(bytes, 0, bytes.length, at).catch(() => undefined)
      found += count(bytes, needle)
    }
  }
  await memory.close()
  return { memory: found, disk: count(await readFile(overlay), needle) }
}

function count(bytes: Buffer, needle: Buffer): number {
  let found = 0
  for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) found += 1
  return found
}
