import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditExceptions, auditReport, judgeAudit } from './judge-audit.ts'

// npm run audit: whether packages of the lock file have known vulnerabilities that audit-exceptions.json does not
// explain. Exit codes: 0 none, 1 some, 3 nobody could be asked, as without a network.
const exceptionsFile = join(import.meta.dirname, '..', 'audit-exceptions.json')
const exceptions = auditExceptions.parse(JSON.parse(readFileSync(exceptionsFile, 'utf8')))
const { stdout } = spawnSync('npm', ['audit', '--json', '--package-lock-only'], { encoding: 'utf8' })
const report = auditReport.safeParse(parsed(stdout))
if (!report.success) {
  console.error('audit: nothing was checked, for the registry did not answer')
  process.exit(3)
}
const faults = judgeAudit({ report: report.data, exceptions, today: new Date() })
for (const fault of faults) console.error(`audit: ${fault}`)
if (faults.length === 0)
  console.log(`audit: nothing is known that is not explained (${exceptions.length} explained)`)
process.exitCode = faults.length === 0 ? 0 : 1

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
