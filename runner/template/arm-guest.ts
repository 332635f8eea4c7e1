import { InfraError } from '../../config/errors.ts'
import { guestPaths } from '../guest/guest-paths.ts'
import type { QemuMachine } from '../machine/qemu-machine.ts'
import { exec } from '../ssh/exec.ts'
import type { ControlPort } from './control-port.ts'
import { guestProgram } from './guest-program.ts'

type ArmGuest = {
  readonly machine: QemuMachine
  readonly control: ControlPort
  readonly user: string
  /** What it has behind it. */
  readonly after: keyof typeof beforehand
  readonly signal: AbortSignal
}

/**
 * Makes a guest ready to be frozen: its boot has come to its end, or its setup's traces are removed; what a job will
 * need is in its memory, our program waits in it, and nobody is logged in or could log in.
 *
 * Throws InfraError('boot') with what the guest said, or the signal's reason.
 */
export async function armGuest({ machine, control, user, after, signal }: ArmGuest): Promise<void> {
  const client = await machine.link.connection(signal)
  const run = async (command: string, input = '') => {
    const { code, stderr } = await exec({ client, command, input, signal })
    if (code === 0) return
    const said = stderr.toString('utf8').trim().split('\n').at(-1) ?? ''
    throw new InfraError('boot', `the guest could not be made ready to be frozen: ${said.slice(0, 300)}`)
  }
  for (const command of beforehand[after]) await run(command)
  await run(`sudo -n sh -c '${install}'`, await guestProgram())
  machine.link.close()
  await control.ask({ do: 'arm', user, id: machine.id }, signal)
}

/** A template frozen in the middle of its boot would make every clone end that boot first. */
const bootEnd = `if [ -d /run/systemd/system ]; then sudo -n timeout 600 systemctl is-system-running --wait >/dev/null; fi
if command -v cloud-init >/dev/null && [ -d /run/cloud-init ]; then sudo -n timeout 600 cloud-init status --wait >/dev/null; fi
true`

/** What the setup left for the steps in `MAYFLY_ENV` stays; its scripts, its output and its environment go. */
const setupEnd = `sudo -n sh -c 'rm -rf ${guestPaths.jobFolder}/[0-9]* ${guestPaths.env} ${guestPaths.outputFolder}/*'`

/** What a job's start runs, run once, so that clones find it in memory and not on a disk. */
const rehearsal = `sudo -n true; setsid sh -c 'sh -e -c true'; : | tail -c +1 | awk 1; df -P -k . >/dev/null
d=$(mktemp -d) && cd "$d" && mkdir a && echo x >a/b && tar -cf c.tar a && tar -xpf c.tar && rm -r "$d"
for p in /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server; do [ -x $p ] && $p </dev/null >/dev/null 2>&1; done
git --version >/dev/null 2>&1; cat /etc/passwd /etc/group /etc/nsswitch.conf >/dev/null; sleep 0.1; true`

/** A job that failed is left as it is. */
const beforehand = { boot: [bootEnd, rehearsal], setup: [setupEnd, rehearsal], steps: [] }

/** As a unit of its own where there is systemd, so that it outlives the login that started it. */
const install = `set -eu
umask 077; mkdir -p /run/mayfly; cat >/run/mayfly/thaw.py
for python in /usr/bin/python3 /usr/libexec/platform-python; do [ -x $python ] && break; done
[ -x $python ] || { echo "no Python 3 in the image" >&2; exit 1; }
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
  systemd-run --quiet --unit=mayfly-thaw --collect -p DefaultDependencies=no $python /run/mayfly/thaw.py
else
  setsid $python /run/mayfly/thaw.py </dev/null >/dev/null 2>&1 &
fi`
