import { Command } from 'commander'
import pc from 'picocolors'
import { checkHost } from './doctor/check-host.ts'
import type { Finding } from './doctor/finding.ts'
import { exitCodes } from './exit-codes.ts'
import { type HostOptions, openThisHost, withHostOptions } from './host-options.ts'

/** `mayfly doctor`: whether this host can run machines, why KVM is or is not used, and what mends what is missing. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('check this host: every prerequisite, why KVM is or is not used, free disk and memory')
    .option('--json', 'print the findings as JSON')
  return withHostOptions(command).action(doctor)
}

async function doctor(options: HostOptions & { json?: true }): Promise<void> {
  const thisHost = await openThisHost(options)
  const findings = await checkHost({ ...thisHost, path: process.env.PATH ?? '' })
  if (options.json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`)
  else for (const finding of findings) process.stdout.write(formatFinding(finding))
  if (findings.some(({ state }) => state === 'missing')) process.exitCode = exitCodes.infrastructure
}

function formatFinding({ name, state, found, mend }: Finding): string {
  const symbol = state === 'good' ? pc.green('✔') : state === 'missing' ? pc.red('✘') : pc.yellow('!')
  const way = mend === undefined ? '' : `\n  ${pc.dim('mend:')} ${mend}`
  return `${symbol} ${name.padEnd(18)} ${found}${way}\n`
}
