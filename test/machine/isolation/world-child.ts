import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import type { NetworkMode } from '../../../config/pipeline/pipeline.ts'
import { debianLocalBuilder } from '../../../images/build-debian-local.ts'
import { openShelf } from '../../../images/shelf.ts'
import { createEgressProxy, type EgressLimit } from '../../../runner/egress/egress-proxy.ts'
import { usualPort, WayOut } from '../../../runner/egress/way-out.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { startOnHost } from '../../../runner/start-on-host.ts'
import type { Found } from './found.ts'
import { cardTargets, proxyTargets, publicTargets, type Target } from './targets.ts'

/**
 * Runs on the host of a `world`: starts listeners on it and on its LAN, then machines in each network mode, and has a
 * probe in each try them all. Prints what was found as JSON, a `Found`.
 *
 * Arguments: DATA-FOLDER; the environment has the pid of a process on the LAN in LAN_PID.
 */
const [dataFolder = ''] = process.argv.slice(2)
const { signal } = new AbortController()
const visits: string[] = []
let steps = 0

async function listen(prefix: readonly string[]): Promise<() => void> {
  const program = [process.execPath, '--import', 'tsx', join(import.meta.dirname, 'listeners-child.ts')]
  const [command = '', ...args] = [...prefix, ...program]
  const child = execa(command, args, { stderr: 'inherit', buffer: false, reject: false })
  await new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') resolve()
      else visits.push(line.replace('visit ', ''))
    })
  })
  return () => child.kill()
}

async function start(
  network: NetworkMode,
  internet: 'isolate' | 'accept-risk' = 'isolate',
): Promise<Machine> {
  const host = await loadHostConfig({ env: {}, standardFile: '/nonexistent' })
  const image = await openShelf({
    dataFolder,
    builders: { 'debian-12-local': debianLocalBuilder() },
  }).resolve('debian-12-local')
  return await startOnHost({ host: { ...host, network: { ...host.network, internet } }, dataFolder })({
    id: `isolation-${randomBytes(4).toString('hex')}`,
    image,
    resources: { cpus: 2, memory: 512 * 2 ** 20, disk: 10 * 2 ** 30 },
    network,
    userData: undefined,
    signal,
    onGate: () => undefined,
    onNote: () => undefined,
    onConsole: () => undefined,
  })
}

async function probe(machine: Machine, targets: readonly Target[]) {
  visits.length = 0
  await machine.putFile('/tmp/probe.py', await readFile(join(import.meta.dirname, 'probe.py')), 0o644, signal)
  await machine.putFile('/tmp/targets.json', Buffer.from(JSON.stringify(targets)), 0o644, signal)
  const { code, stdout, stderr } = await machine.exec('python3 /tmp/probe.py </tmp/targets.json', signal)
  if (code !== 0) throw new Error(`the probe ended with ${code}: ${stderr.toString()}`)
  return { reached: JSON.parse(stdout.toString()), visits: [...new Set(visits)].sort() }
}

/** What holds for a step holds until the next. */
async function limit(machine: Machine, egress: EgressLimit): Promise<void> {
  const onOutput = () => undefined
  const step = { index: steps++, name: 'limit', script: 'true', shell: 'sh', env: {}, timeout: undefined }
  await machine.runStep({ ...step, onOutput, egress }, signal)
}

const sshPort = (machine: Machine) => machine.facts.sshPort ?? 0

/** The same way out as in `web`, with nothing that it refuses. */
async function openProxy(machine: Machine): Promise<number> {
  const wayOut = new WayOut(
    createEgressProxy({ policy: { audit: true }, refuse: () => undefined }),
    undefined,
  )
  await wayOut.attach(await machine.visit(signal), signal)
  return wayOut.port ?? 0
}

const stops = [await listen([]), await listen(['nsenter', `--net=/proc/${process.env.LAN_PID}/ns/net`])]
const none = await start('none')
const web = await start('web')
await web.prepare({ workdir: '/home/ci/work', env: {} }, signal)
const found: Partial<Record<keyof Found, unknown>> = {
  none: await probe(none, cardTargets(sshPort(web))),
  web: await probe(web, [...cardTargets(sshPort(none)), ...proxyTargets(usualPort, sshPort(none))]),
}
await limit(web, { isOffline: true })
found.offline = await probe(web, [...publicTargets, ...proxyTargets(usualPort, sshPort(none))])
await limit(web, { policy: { allow: ['rebind.test'], audit: false } })
found.allowed = await probe(web, proxyTargets(usualPort, sshPort(none)))
found.openProxy = await probe(web, proxyTargets(await openProxy(web), sshPort(none)))
await web.destroy()
const isolated = await start('internet')
found.internet = await probe(isolated, cardTargets(sshPort(none)))
await isolated.destroy()
const atRisk = await start('internet', 'accept-risk')
found.atRisk = await probe(atRisk, cardTargets(sshPort(none)))
await atRisk.destroy()
await none.destroy()
for (const stop of stops) stop()
process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(0))
