import { z } from 'zod'

/** What `npm audit --json` says, as far as it is looked at. */
export const auditReport = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({
      severity: z.string(),
      /** Advisories, or the names of packages that have some. */
      via: z.array(z.union([z.string(), z.object({ url: z.string(), title: z.string() })])),
    }),
  ),
})

/** Advisories that are known not to matter here, with the reason, and the day from which on they are looked at again. */
export const auditExceptions = z.array(
  z.strictObject({ advisory: z.url(), why: z.string().min(20), until: z.iso.date() }),
)

type Judge = {
  readonly report: z.infer<typeof auditReport>
  readonly exceptions: z.infer<typeof auditExceptions>
  readonly today: Date
}

/** What is wrong, a sentence for each: advisories without an exception, and exceptions that are over or of no use. */
export function judgeAudit({ report, exceptions, today }: Judge): string[] {
  const found = new Map<string, string>()
  for (const [name, { severity, via }] of Object.entries(report.vulnerabilities)) {
    for (const cause of via) {
      if (typeof cause !== 'string')
        found.set(cause.url, `${name} (${severity}): ${cause.title}, ${cause.url}`)
    }
  }
  const day = today.toISOString().slice(0, 10)
  const faults: string[] = []
  for (const { advisory, until } of exceptions) {
    if (!found.has(advisory)) faults.push(`the exception for ${advisory} is of no use any more: remove it`)
    else if (until < day)
      faults.push(`the exception for ${advisory} was good until ${until}: look at it again`)
    found.delete(advisory)
  }
  return [...found.values(), ...faults]
}
