import type { EgressRecord } from '../egress/egress-record.ts'
import { createMasker } from '../logs/mask.ts'
import type { UntimedJobEvent } from './job-event.ts'

const longestLine = 300
const mostLines = 8

/**
 * Makes of events what may be told: names, reasons, hints and lines can quote what the guest said, so they are masked
 * like its output. Lines are cut only afterwards, since half a secret would not be known for one.
 */
export function createEventMasker(secrets: readonly string[]): <E extends UntimedJobEvent>(event: E) => E {
  const masker = createMasker(secrets)
  const mask = (text: string) =>
    Buffer.concat([masker.push(Buffer.from(text)), masker.end()]).toString('utf8')

  const maskValue = (key: string, value: unknown): unknown => {
    if (typeof value === 'string' && key !== 'type') return mask(value)
    // Together, since a secret can have several lines.
    if (key === 'evidence' && Array.isArray(value) && value.length > 0)
      return mask(value.join('\n')).split('\n')
    if (key === 'learned' && Array.isArray(value)) return value.map((host) => mask(String(host)))
    if (key === 'records') return (value as EgressRecord[]).map(maskRecord)
    return value
  }

  // A name that was asked for may be a secret, on its way out.
  const maskRecord = (record: EgressRecord): EgressRecord => ({
    ...record,
    host: mask(record.host),
    refused: record.refused === undefined ? undefined : mask(record.refused),
  })

  return <E extends UntimedJobEvent>(event: E): E => {
    const entries = Object.entries(event).map(([key, value]) => [key, maskValue(key, value)])
    const masked = secrets.length === 0 ? event : (Object.fromEntries(entries) as E)
    if (masked.type === 'finding') return { ...masked, line: cut(masked.line) }
    if (masked.type === 'verdict') return { ...masked, evidence: masked.evidence.slice(-mostLines).map(cut) }
    return masked
  }
}

function cut(line: string): string {
  return line.length <= longestLine ? line : `${line.slice(0, longestLine - 1)}…`
}
