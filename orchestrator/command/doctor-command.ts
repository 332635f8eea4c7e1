import { Command } from 'commander'
import pc from 'picocolors'
import { checkFleet, type FleetView } from './doctor/check-fleet.ts'
import { checkHost } from './doctor/check-host.ts'
import type { Finding } from './doctor/finding.ts'
import { exitCodes } from './exit-codes.ts'
import { type HostOptions, openThisHost, withHostOptions } from './host-options.ts'
import { type ClientOptions, openClient, withClientOptions } from './server/client-options.ts'

/** `mayfly doctor`: whether this host can run machines, why KVM is or is not used, and what mends what is missing. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('check this host: every prerequisite, why KVM is or is not used, free disk and memory')
    .option('--fleet', 'check all hosts of a server instead, by what they say of themselves')
  return withClientOptions(withHostOptions(command)).action(doctor)
}

async function doctor(options: HostOptions & ClientOptions & { fleet?: true }): Promise<void> {
  const findings = options.fleet ? checkFleet(await readFleet(options)) : await checkThisHost(options)
  if (options.json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`)
  else for (const finding of findings) process.stdout.write(formatFinding(finding))
  if (findings.some(({ state }) => state === 'missing')) process.exitCode = exitCodes.infrastructure
}

async function checkThisHost(options: HostOptions): Promise<Finding[]> {
  const thisHost = await openThisHost(options)
  return await checkHost({ ...thisHost, path: process.env.PATH ?? '' })
}

async function readFleet(options: ClientOptions): Promise<FleetView> {
  const client = openClient(options)
  const read = async <T>(path: string) => (await client.get<{ items: T }>(path)).items
  const [hosts, waiting, images] = await Promise.all([
    read<FleetView['hosts']>('/hosts'),
    read<FleetView['waiting']>('/queue'),
    read<FleetView['images']>('/images'),
  ])
  return { hosts, waiting, images }
}

function formatFinding({ name, state, found, mend }: Finding): string {
  const symbol = state === 'good' ? pc.green('✔') : state === 'missing' ? pc.red('✘') : pc.yellow('!')
  const way = mend === undefined ? '' : `\n  ${pc.dim('mend:')} ${mend}`
  return `${symbol} ${name.padEnd(18)} ${found}${way}\n`
}
