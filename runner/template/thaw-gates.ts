import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BootOrder } from '../machine/boot-order.ts'
import type { MachineParts } from '../machine/machine-parts.ts'
import type { Gate } from '../machine/pass-gates.ts'
import type { QemuMachine } from '../machine/qemu-machine.ts'
import { ControlPort, type Identity } from './control-port.ts'
import { leaveOutShared } from './freeze.ts'

type Thaw = {
  readonly order: BootOrder
  readonly parts: MachineParts
  readonly machine: QemuMachine
  /** Run in the guest by root once it is itself; may be empty. */
  readonly script: string
  /** Whether its memory lies in a file or comes with the state. */
  readonly memory: 'elsewhere' | 'within'
  /** Called when QEMU has opened its files, before it reads the state. */
  readonly check?: () => Promise<void>
  /** What helps where the frozen machine does not come back. */
  readonly remedy: string
}

/** Two gates: QEMU takes the state that waits for it at descriptor 3, and the guest takes its new identity. */
export function thawGates({ order, parts, machine, script, memory, check, remedy }: Thaw): Gate[] {
  return [
    {
      name: 'restore',
      hint: `QEMU could not take the state of the frozen machine: ${remedy}`,
      pass: async (signal) => {
        await check?.()
        await restore(machine, memory, signal)
      },
    },
    {
      name: 'thaw',
      hint: `the guest did not take its new identity: ${remedy}`,
      pass: async (signal) => {
        const control = await ControlPort.open(parts.paths.controlSocket)
        try {
          await control.ask({ do: 'thaw', ...identity(order, parts), script }, signal)
        } finally {
          control.close()
        }
      },
    },
  ]
}

/** The gates of a boot, with those of a thaw where they belong. */
export function withThaw([qmp, ...rest]: Gate[], thawing: Gate[]): Gate[] {
  if (qmp === undefined) throw new Error('expected a first gate')
  return [qmp, ...thawing, ...rest]
}

const pollMs = 5

async function restore({ qmp }: QemuMachine, memory: Thaw['memory'], signal: AbortSignal): Promise<void> {
  await leaveOutShared(qmp, memory === 'elsewhere', signal)
  await qmp.execute('migrate-incoming', { uri: 'fd:3' }, { signal })
  for (;;) {
    const { status } = (await qmp.execute('query-status', undefined, { signal })) as { status?: string }
    if (status !== 'inmigrate') break
    await sleep(pollMs)
  }
  await qmp.execute('cont', undefined, { signal })
}

function identity(
  { id, image }: BootOrder,
  { jobKey, hostKey, nonce }: MachineParts,
): Omit<Identity, 'script'> {
  const { user } = image.profile
  const host = '/etc/ssh/ssh_host_ed25519_key'
  const home = `/home/${user}`
  return {
    entropy: randomBytes(64).toString('hex'),
    time: Date.now() / 1000,
    machine_id: randomBytes(16).toString('hex'),
    hostname: id,
    files: [
      { path: host, owner: 'root', mode: '0600', content: hostKey.privateKey },
      { path: `${host}.pub`, owner: 'root', mode: '0644', content: `${hostKey.publicKey}\n` },
      {
        path: `${home}/.ssh/authorized_keys`,
        owner: user,
        mode: '0600',
        // Whatever a setup added last need not have ended its line.
        content: `\n${jobKey.publicKey}\n`,
        add: true,
      },
      {
        path: '/var/lib/systemd/random-seed',
        owner: 'root',
        mode: '0600',
        content: randomBytes(256).toString('hex'),
      },
      { path: '/run/mayfly/nonce', owner: 'root', mode: '0644', content: `${nonce}\n` },
    ],
  }
}
