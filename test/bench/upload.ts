import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Machine } from '../../runner/machine/machine.ts'
import { directorySource } from '../../runner/source/directory-source.ts'
import type { BenchHost } from './bench-host.ts'
import type { BenchPlace } from './bench-place.ts'
import { type Figure, figure } from './figure.ts'

const files = 5_000
const fileBytes = 20 * 1024
const signal = new AbortController().signal

/** A tree of 5,000 files and 100 MB into one machine, by our upload and by `tar | ssh`, in turn. */
export async function upload(place: BenchPlace, runs: number): Promise<Figure[]> {
  const host = await place.host()
  const tree = await makeTree(join(host.folder, 'tree'))
  const machine = await host.start()
  try {
    await machine.prepare({ workdir: '/home/ci/work', env: {} }, signal)
    const login = await addOwnKey(host, machine)
    const ours: number[] = []
    const theirs: number[] = []
    for (let run = 0; run < runs; run++) {
      ours.push(await timed(() => uploadTree(machine, tree)))
      await clear(machine)
      theirs.push(await timed(() => tarOverSsh(tree, login)))
      await clear(machine)
    }
    const ratios = ours.map((seconds, index) => seconds / (theirs[index] ?? Number.NaN))
    return [
      figure({ what: 'upload of 5,000 files, 100 MB', unit: 's', samples: ours }),
      figure({ what: 'the same by tar | ssh', unit: 's', samples: theirs }),
      figure({ what: 'ratio, pair by pair', unit: 'x', target: { atMost: 1.5 }, samples: ratios }),
    ]
  } finally {
    await machine.destroy('now')
  }
}

async function makeTree(tree: string): Promise<string> {
  const content = randomBytes(fileBytes)
  for (let folder = 0; folder < 50; folder++) {
    await mkdir(join(tree, String(folder)), { recursive: true })
    for (let file = 0; file < files / 50; file++)
      await writeFile(join(tree, String(folder), `${file}.bin`), content)
  }
  return tree
}

async function uploadTree(machine: Machine, directory: string): Promise<void> {
  const { stream } = await directorySource({ directory, limits: { bytes: 2 ** 30 } }).tree(signal)
  await machine.upload(stream, signal)
}

async function clear(machine: Machine): Promise<void> {
  await machine.exec('rm -rf /home/ci/work && mkdir /home/ci/work && sync', signal)
}

type Login = { port: number; key: string }

// ssh(1) needs a key of its own: that of the machine never leaves the runner's memory.
async function addOwnKey({ folder }: BenchHost, machine: Machine): Promise<Login> {
  const key = join(folder, 'key')
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  const { stdout } = await execa('cat', [`${key}.pub`])
  await machine.exec(`echo '${stdout}' >>~/.ssh/authorized_keys`, signal)
  return { key, port: machine.facts.sshPort ?? 0 }
}

async function tarOverSsh(tree: string, { port, key }: Login): Promise<void> {
  const unchecked = '-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR'
  const ssh = `ssh -i ${key} -p ${port} ${unchecked} ci@127.0.0.1`
  await execa('sh', ['-c', `tar -C '${tree}' -cf - . | ${ssh} tar -C /home/ci/work -xf -`])
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
