import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cgroupScript } from '../../../runner/confinement/cgroup-script.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { makeDataFolder, removeDataFolder } from '../acceptance/boot.ts'
import { startClone } from '../templates/clones.ts'

const { signal } = new AbortController()
const script = '/tmp/cgroup.sh'
const mebibyte = 2 ** 20

let data: string
let machine: Machine

// A Debian of its own, for it has systemd and all controllers, which where these tests run nobody promises.
beforeAll(async () => {
  data = await makeDataFolder()
  machine = await (await startClone({ data })).ready
  await machine.putFile(script, Buffer.from(cgroupScript), 0o755, signal)
})

afterAll(async () => {
  await machine?.destroy('now')
  await removeDataFolder(data)
})

async function run(command: string) {
  const { code, stdout } = await machine.exec(command, signal)
  return { code, lines: stdout.toString().trimEnd().split('\n') }
}

const as = (who: string, name: string, command: string) =>
  `${who} sh ${script} ${name} ${64 * mebibyte} 150 32 ${command}`

const look =
  "sh -c 'cat /proc/self/cgroup; cd /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); cat memory.max cpu.max pids.max'"

describe('a control group of its own', () => {
  it('has the limits that were asked for, and the command as the process that was started', async () => {
    const { code, lines } = await run(`${as('sudo', 'm-1', look)}`)
    expect(code).toBe(0)
    expect(lines[0]).toMatch(/^in \/sys\/fs\/cgroup\/mayfly\/m-1: .*cpu.*memory.*pids/)
    expect(lines.slice(1)).toEqual(['0::/mayfly/m-1', String(64 * mebibyte), '150000 100000', '32'])
    const { lines: pids } = await run(
      `sudo sh -c 'echo $$; exec sh ${script} m-2 99999999 100 9 sh -c "echo \\$\\$"'`,
    )
    expect(pids.at(-1)).toBe(pids[0])
  })

  it('ends who takes more memory, and stops who makes more processes', async () => {
    const hungry = as('sudo', 'm-3', `python3 -c 'bytearray(200 * ${mebibyte})'`)
    expect((await run(`${hungry}; echo $?`)).lines.at(-1)).toBe('137')
    const many = as(
      'sudo',
      'm-4',
      `python3 -c '
import os
made = 0
try:
    for _ in range(100):
        if os.fork() == 0:
            import time; time.sleep(3); os._exit(0)
        made += 1
except BlockingIOError:
    pass
print(made)'`,
    )
    expect((await run(many)).lines.at(-1)).toBe('31')
  })

  it('is not made twice under one name, and then nothing runs', async () => {
    const { code, lines } = await run(as('sudo', 'm-1', 'echo ran'))
    expect([code, lines]).toEqual([1, ['none: /sys/fs/cgroup/mayfly/m-1 cannot be made']])
  })

  it('is not had by a user to whom none was delegated, and then nothing runs', async () => {
    const { code, lines } = await run(as('', 'm-5', 'echo ran'))
    expect([code, lines]).toEqual([1, ['none: no group was delegated to this user']])
  })

  it('is had by a user to whom one was delegated, beside the group of whoever asks', async () => {
    const group = '/sys/fs/cgroup/delegated'
    const delegate = `
set -e
mkdir -p ${group}/main
echo "+memory +cpu +pids" >/sys/fs/cgroup/cgroup.subtree_control
chown -R ci ${group}
echo $$ >${group}/main/cgroup.procs
exec setpriv --reuid ci --regid ci --init-groups "$@"`
    await machine.putFile('/tmp/delegate.sh', Buffer.from(delegate), 0o755, signal)
    const { lines } = await run(as('sudo sh /tmp/delegate.sh', 'm-6', look))
    expect(lines[0]).toMatch(/^in \/sys\/fs\/cgroup\/delegated\/m-6: /)
    expect(lines.slice(1)).toEqual(['0::/delegated/m-6', String(64 * mebibyte), '150000 100000', '32'])
  })
})
