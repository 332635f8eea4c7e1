import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../../../../runner/host/find-program.ts'
import type { Absent, Contender, StartPlace } from '../contender.ts'
import { autopkgtestArgs, machineConfig } from './autopkgtest-args.ts'
import { autopkgtestImage } from './autopkgtest-image.ts'
import { openTestbed } from './open-testbed.ts'
import { preparePeerMachine } from './peer-machine.ts'

/** autopkgtest's QEMU server, from its process's start to the output of the first command that it is asked to run. */
export async function openAutopkgtest(place: StartPlace): Promise<Contender | Absent> {
  const program = await findProgram('autopkgtest-virt-qemu')
  if (program === undefined) return { absent: 'apt-get install --no-install-recommends autopkgtest' }
  const machine = await preparePeerMachine(place, await autopkgtestImage(place))
  const config = join(machine.folder, 'machine.cfg')
  await writeFile(config, machineConfig(machine))
  // autopkgtest leaves its QEMU behind where it is ended while that one boots; this one goes with it.
  const qemu = join(machine.folder, 'qemu')
  await writeFile(qemu, '#!/bin/sh\nexec setpriv --pdeathsig KILL qemu-system-x86_64 "$@"\n', { mode: 0o755 })
  const args = ['--qemu-architecture', 'x86_64', '--qemu-command', qemu, ...autopkgtestArgs(machine, config)]
  return {
    what: 'autopkgtest',
    start: async () => [await openTestbed({ program, args, folder: machine.folder })],
  }
}
