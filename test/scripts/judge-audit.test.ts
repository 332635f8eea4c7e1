import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { auditExceptions, auditReport, judgeAudit } from '../../scripts/judge-audit.ts'

const advisory = 'https://advisories.invalid/GHSA-aaaa-bbbb-cccc'
const report = auditReport.parse({
  auditReportVersion: 2,
  vulnerabilities: {
    inner: {
      name: 'inner',
      severity: 'high',
      via: [{ source: 1, title: 'It can be made slow', url: advisory }],
    },
    outer: { name: 'outer', severity: 'high', via: ['inner'] },
  },
})
const clean = auditReport.parse({ vulnerabilities: {} })
const why = 'only ever reads what this very process wrote'
const today = new Date('2026-03-04T23:00:00Z')
const explained = (until: string) => [{ advisory, why, until }]

describe('an audit', () => {
  it('is well where nothing is known', () => {
    expect(judgeAudit({ report: clean, exceptions: [], today })).toEqual([])
  })

  it('tells of an advisory once, by the package that has it', () => {
    expect(judgeAudit({ report, exceptions: [], today })).toEqual([
      `inner (high): It can be made slow, ${advisory}`,
    ])
  })

  it('takes an advisory that is explained, until that is over', () => {
    expect(judgeAudit({ report, exceptions: explained('2026-03-04'), today })).toEqual([])
    expect(judgeAudit({ report, exceptions: explained('2026-03-03'), today })).toEqual([
      expect.stringContaining('was good until 2026-03-03'),
    ])
  })

  it('wants an exception removed that explains nothing any more', () => {
    expect(judgeAudit({ report: clean, exceptions: explained('2027-01-01'), today })).toEqual([
      expect.stringContaining('of no use any more'),
    ])
  })

  it('takes no answer of a registry that is none for a clean one', () => {
    expect(auditReport.safeParse({ message: 'no', error: { code: 'ENOAUDIT' } }).success).toBe(false)
    expect(auditReport.safeParse(undefined).success).toBe(false)
  })

  it('has exceptions that each say why and until when', () => {
    const file = join(import.meta.dirname, '..', '..', 'audit-exceptions.json')
    auditExceptions.parse(JSON.parse(readFileSync(file, 'utf8')))
    expect(auditExceptions.safeParse([{ advisory, why: 'because', until: '2027-01-01' }]).success).toBe(false)
    expect(auditExceptions.safeParse([{ advisory, why }]).success).toBe(false)
  })
})
