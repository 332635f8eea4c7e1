import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { debianLocalBuilder } from '../../../images/build-debian-local.ts'
import { openShelf } from '../../../images/shelf.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { parkedFolder } from '../../../runner/park/filenames.ts'
import { resumeOnHost } from '../../../runner/resume-on-host.ts'
import { startOnHost } from '../../../runner/start-on-host.ts'

/**
 * Lives the life of machines where there is a user for QEMU, and a range for machines: a template is made, a machine
 * started from it and another beside it, its secrets forgotten, and it is parked and resumed; then one on an image that the
 * user cannot get at, and one where the range is gone. Prints what it saw as JSON.
 * Arguments: DATA-FOLDER, CLOSED-FOLDER.
 */
const [dataFolder = '', closedFolder = ''] = process.argv.slice(2)
const { signal } = new AbortController()
const host = await loadHostConfig({ env: {}, standardFile: '/nonexistent' })
const builders = { 'debian-12-local': debianLocalBuilder() }
const image = await openShelf({ dataFolder, builders }).resolve('debian-12-local')
const heard = { onGate: () => undefined, onNote: () => undefined, onConsole: () => undefined }
const id = `user-${randomBytes(4).toString('hex')}`
const jobFolder = join(dataFolder, 'jobs', id)
await mkdir(jobFolder, { recursive: true })

async function look(machine: Machine) {
  const status = await readFile(`/proc/${machine.facts.pid}/status`, 'utf8')
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(status)?.[1]?.trim()
  const { stdout } = await machine.exec('echo alive', signal)
  const { strategy, confinement } = machine.facts
  return {
    ...{ strategy, confinement, answers: stdout.toString().trim() },
    ...{ uid: field('Uid')?.split('\t')[0], gid: field('Gid')?.split('\t')[0], groups: field('Groups') },
    ...{ effective: field('CapEff'), bounding: field('CapBnd') },
  }
}

/** What the user of one machine can do to another: read its files, talk to it, and look into its QEMU. */
async function cross(from: Awaited<ReturnType<typeof look>>, pid: number) {
  if (process.getuid?.() !== 0) return undefined
  const groups = from.groups === '' ? '--clear-groups' : `--groups=${from.groups?.replaceAll(' ', ',')}`
  const as = [`--reuid=${from.uid}`, `--regid=${from.gid}`, groups]
  const can = async (...command: string[]) =>
    !(await execa('setpriv', [...as, ...command], { reject: false })).failed
  const folder = join(dataFolder, 'machines', id)
  return {
    template: await can('test', '-r', join(await aTemplate(), 'ram')),
    disk: await can('cat', join(folder, 'overlay.qcow2')),
    seed: await can('cat', join(folder, 'seed.iso')),
    socket: await can('ls', '-l', join(login.folder, 'qmp.sock')),
    memory: await can('head', '-c', '0', `/proc/${pid}/mem`),
  }
}

async function aTemplate(): Promise<string> {
  const shelf = join(dataFolder, 'templates')
  const [key = ''] = (await readdir(shelf)).filter((name) => !name.startsWith('.'))
  return join(shelf, key)
}

/** Mode and owner of each file below a folder, as `0640 0:990`. */
async function modes(folder: string): Promise<Record<string, string>> {
  const paths = ['', ...(await readdir(folder, { recursive: true }))]
  const all = paths.map(async (name) => {
    const { mode, uid, gid } = await stat(join(folder, name))
    return [name, `${(mode & 0o7777).toString(8).padStart(4, '0')} ${uid}:${gid}`] as const
  })
  return Object.fromEntries(await Promise.all(all))
}

const resources = { cpus: 2, memory: 512 * 2 ** 20, disk: 10 * 2 ** 30 }
const machine = await startOnHost({ host, dataFolder })({
  ...{ id, image, resources, network: 'internet' },
  ...{ userData: undefined, signal, ...heard },
})
await machine.prepare({ workdir: '/home/ci/work', env: {} }, signal)
const clone = await look(machine)
const login = await machine.writeLogin()
const neighbour = await startOnHost({ host, dataFolder })({
  ...{ id: `${id}-beside`, image, resources, network: 'none' },
  ...{ userData: undefined, signal, ...heard },
})
const beside = await look(neighbour)
const crossing = await cross(beside, machine.facts.pid ?? 0)
await neighbour.destroy()
const files = { machine: await modes(join(dataFolder, 'machines', id)), run: await modes(login.folder) }
const templates = await modes(join(dataFolder, 'templates'))
await machine.forgetSecrets(['a-secret-that-was-never-there'], signal)
const manifest = await machine.park(jobFolder, signal)
await machine.destroy()
const again = await resumeOnHost({ host, dataFolder })({
  ...{ image, manifest, folder: parkedFolder(jobFolder), signal },
  ...{ onNote: heard.onNote, onConsole: heard.onConsole },
})
const resumed = await look(again)
await again.destroy()

const cold = { ...host, templates: { ...host.templates, use: false } }
const unreachable = await openShelf({ dataFolder: closedFolder, builders }).resolve('debian-12-local')
const besideClosed = await startOnHost({ host: cold, dataFolder: closedFolder })({
  ...{ id: `${id}-closed`, image: unreachable, resources, network: 'none' },
  ...{ userData: undefined, signal, ...heard },
}).then(async (started) => {
  const seen = await look(started)
  await started.destroy()
  return seen
})
// The files of this world, which root of the host does not see.
if (process.getuid?.() === 0) for (const file of ['/etc/subuid', '/etc/subgid']) await writeFile(file, '')
const without = await startOnHost({ host, dataFolder })({
  ...{ id: `${id}-without`, image, resources, network: 'none' },
  ...{ userData: undefined, signal, ...heard },
}).then(async (started) => {
  const seen = await look(started)
  await started.destroy()
  return seen
})
const seen = { clone, beside, crossing, resumed, besideClosed, without, files, templates }
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0))
