import { exec } from '../ssh/exec.ts'
import { callback } from '../ssh/sftp.ts'
import { sftpOf } from '../ssh/sftp-of.ts'
import { untilAborted } from '../until-aborted.ts'
import type { Gate } from './pass-gates.ts'
import type { QemuMachine } from './qemu-machine.ts'

type BootGates = { machine: QemuMachine; nonce: string }

/** The gates of a boot, from a QEMU that answers to a login that has seen this very boot. */
export function bootGates({ machine, nonce }: BootGates): Gate[] {
  const gates: Gate[] = [
    {
      name: 'qmp',
      hint: 'QEMU did not start: its own words are in the message; mayfly doctor checks this host',
      pass: (signal) => machine.openQmp(signal),
    },
    {
      name: 'banner',
      hint: 'no SSH server spoke: see the console for how far the boot came',
      pass: (signal) => machine.waitForBanner(signal),
    },
    {
      name: 'auth',
      hint: 'the SSH server refused the key of this machine: the seed CD was not read, or custom user-data took it away',
      pass: (signal) => machine.login(signal),
    },
    {
      name: 'nonce',
      hint: 'the guest that answers is not the one that was just started, or its seed CD was not read',
      pass: (signal) => readNonce({ machine, nonce, signal }),
    },
  ]
  if (machine.facts.customUserData) gates.push(userDataGate(machine))
  return gates
}

async function readNonce({ machine, nonce, signal }: BootGates & { signal: AbortSignal }): Promise<void> {
  const client = await machine.link.connection(signal)
  const sftp = await untilAborted(sftpOf(client), signal)
  // Over SFTP, whose server the upload needs anyway: a command would be one more shell.
  const found = await untilAborted(
    callback<Buffer>(sftp, (done) => sftp.readFile('/run/mayfly/nonce', done)),
    signal,
  )
  if (found.toString('latin1').trim() !== nonce)
    throw new Error('the nonce of the seed was not found in the guest')
}

function userDataGate(machine: QemuMachine): Gate {
  return {
    name: 'user-data',
    hint: 'cloud-init refused the custom user-data: see `cloud-init status --long` above and the console',
    pass: async (signal) => {
      const client = await machine.link.connection(signal)
      // Exit 2 is "done, with warnings" (cloud-init 23.4 and newer); 1 is an error.
      const command = 'cloud-init status --wait --long'
      const { code, stdout } = await exec({ client, command: waitThen(command), signal })
      if (code !== 0 && code !== 2)
        throw new Error(`cloud-init: ${stdout.toString('utf8').trim().slice(-300)}`)
    },
  }
}

// Our own image starts cloud-init late and by a unit of its own; status would say "disabled" before that.
function waitThen(command: string): string {
  const unit = 'mayfly-user-data.service'
  return `if systemctl cat ${unit} >/dev/null 2>&1; then
    while [ "$(systemctl is-active ${unit})" = activating ] || [ "$(systemctl show -p ActiveEnterTimestampMonotonic --value ${unit})" = 0 ]; do
      [ "$(systemctl is-active ${unit})" = failed ] && break
      sleep 0.2
    done
  fi
  ${command}`
}
