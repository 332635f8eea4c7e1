import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import type { Keepsake } from '../../runner/keeper/keepsake.ts'
import { memoryFolder } from '../../runner/keeper/memory-folder.ts'
import type { Chance } from './chance.ts'
import type { Installation } from './installation.ts'
import { qemuOf } from './processes-of.ts'
import type { ServerProcess } from './server-process.ts'

/** Does one fault, and mends it where somebody would; false where there was nothing to break. */
export type Fault = (installation: Installation, chance: Chance) => Promise<boolean>

/** Longer than a host may be silent before the others take it for lost. */
const longStallMs = 36_000

export const faults: Readonly<Record<string, Fault>> = {
  'kill a worker': async ({ workers }, chance) => await killAndStart(chance.pick(workers), chance),
  'kill the web process': async ({ web }, chance) => await killAndStart(web, chance),
  'restart a worker': async ({ workers }, chance) => await restart(chance.pick(workers), chance),
  'restart the web process': async ({ web }, chance) => await restart(web, chance),
  'kill Redis': async ({ redis }, chance) => {
    await redis.kill()
    await sleep(chance.number(3000))
    await redis.restart()
    return true
  },
  'cut Redis off': async ({ redisNetwork }, chance) => {
    redisNetwork.cut()
    await sleep(chance.number(5000))
    redisNetwork.mend()
    return true
  },
  'kill QEMU': async ({ data }, chance) => {
    const machines = await qemuOf(data)
    if (machines.length === 0) return false
    process.kill(chance.pick(machines), 'SIGKILL')
    return true
  },
  'stall QEMU': async ({ data }, chance) => {
    const machines = await qemuOf(data)
    return machines.length > 0 && (await stall(chance.pick(machines), chance.number(4000)))
  },
  'stall a worker': async ({ workers }, chance) => {
    const { pid } = chance.pick(workers)
    const ms = chance.number(8) < 1 ? longStallMs : chance.number(4000)
    return pid !== undefined && (await stall(pid, ms))
  },
  "kill a guest's sshd": (installation, chance) => inGuest(installation, chance, 'pkill -9 sshd'),
  "cut a guest's connections": (installation, chance) =>
    inGuest(installation, chance, 'pkill -9 -f "^sshd: [a-z]+"'),
}

async function killAndStart(server: ServerProcess, chance: Chance): Promise<boolean> {
  if (!server.isUp()) return false
  await server.kill()
  await sleep(chance.number(3000))
  await server.start()
  return true
}

/** As an upgrade does. */
async function restart(server: ServerProcess, chance: Chance): Promise<boolean> {
  if (!server.isUp()) return false
  await server.stop()
  await sleep(chance.number(3000))
  await server.start()
  return true
}

async function stall(pid: number, ms: number): Promise<boolean> {
  try {
    process.kill(pid, 'SIGSTOP')
    await sleep(ms)
    process.kill(pid, 'SIGCONT')
  } catch {
    // It ended meanwhile.
  }
  return true
}

/** Runs a command as root in one of the machines, with the key that was kept for its next process. */
async function inGuest({ data }: Installation, chance: Chance, command: string): Promise<boolean> {
  const kept = await keepsakes(data)
  if (kept.length === 0) return false
  const { login, facts } = chance.pick(kept)
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-fault-'))
  const key = join(folder, 'key')
  try {
    await writeFile(key, login.privateKey, { mode: 0o600 })
    const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null']
    await execa(
      'ssh',
      [
        ...['-F', '/dev/null', '-i', key, '-p', String(facts.sshPort), '-o', 'ConnectTimeout=10'],
        ...options.flatMap((option) => ['-o', option]),
        ...[`${login.user}@127.0.0.1`, `sudo -n ${command}`],
      ],
      // The connection that brings the command may be the one that is cut.
      { reject: false, timeout: 20_000 },
    )
    return true
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Of the machines of this installation that may outlive their process. */
async function keepsakes(data: string): Promise<Keepsake[]> {
  const machines = new Set(await readdir(join(data, 'machines')).catch(() => []))
  const names = await readdir(memoryFolder()).catch(() => [])
  const own = names.filter((name) => machines.has(name.replace(/\.json$/, '')))
  const texts = await Promise.all(
    own.map((name) => readFile(join(memoryFolder(), name), 'utf8').catch(() => '')),
  )
  return texts.filter((text) => text !== '').map((text) => JSON.parse(text) as Keepsake)
}
