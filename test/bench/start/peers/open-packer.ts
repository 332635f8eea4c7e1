import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../../../../runner/host/find-program.ts'
import type { Absent, Contender, StartPlace } from '../contender.ts'
import { packerTemplate } from './packer-template.ts'
import { preparePeerMachine } from './peer-machine.ts'
import { runPacker } from './run-packer.ts'

/** Packer's QEMU builder, from its process's start to the output of the shell provisioner's command. */
export async function openPacker(place: StartPlace): Promise<Contender | Absent> {
  const program = await findProgram('packer')
  if (program === undefined) return { absent: 'apt-get install packer' }
  const machine = await preparePeerMachine(place, place.bench.image)
  const output = join(machine.folder, 'out')
  const template = join(machine.folder, 'template.json')
  await writeFile(template, JSON.stringify(packerTemplate(machine, output)))
  return {
    what: 'packer',
    async start() {
      try {
        return [await runPacker({ program, template, folder: machine.folder })]
      } finally {
        await rm(output, { recursive: true, force: true })
      }
    },
  }
}
