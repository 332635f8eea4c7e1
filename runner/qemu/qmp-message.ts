import { z } from 'zod'
import { InfraError } from '../../config/errors.ts'

export type QmpMessage =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'event'; readonly event: QmpEvent }
  | { readonly kind: 'return'; readonly id: number | undefined; readonly value: unknown }
  | {
      readonly kind: 'error'
      readonly id: number | undefined
      readonly error: { readonly class: string; readonly desc: string }
    }

export type QmpEvent = {
  /** Such as `SHUTDOWN` or `GUEST_PANICKED`. */
  readonly name: string
  readonly data: Readonly<Record<string, unknown>>
  /** Milliseconds since 1970 by the host's clock, as QEMU saw it. */
  readonly at: number
}

/**
 * Reads one line of QMP.
 *
 * @throws {InfraError} when it is no QMP message
 * @see https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
export function parseQmpMessage(line: string): QmpMessage {
  const parsed = wire.safeParse(parseJson(line))
  if (!parsed.success) throw unexpected(line)
  const message = parsed.data
  if ('QMP' in message) return { kind: 'greeting' }
  if ('event' in message) {
    const { seconds, microseconds } = message.timestamp
    const at = seconds * 1000 + microseconds / 1000
    return { kind: 'event', event: { name: message.event, data: message.data ?? {}, at } }
  }
  if ('error' in message) return { kind: 'error', id: message.id, error: message.error }
  return { kind: 'return', id: message.id, value: message.return }
}

const wire = z.union([
  z.object({ QMP: z.unknown() }),
  z.object({
    event: z.string(),
    data: z.record(z.string(), z.unknown()).optional(),
    timestamp: z.object({ seconds: z.number(), microseconds: z.number() }),
  }),
  z.object({ error: z.object({ class: z.string(), desc: z.string() }), id: z.number().optional() }),
  z.object({ return: z.unknown(), id: z.number().optional() }),
])

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw unexpected(line)
  }
}

function unexpected(line: string): InfraError {
  return new InfraError('machine-died', `Expected a QMP message, got ${JSON.stringify(line.slice(0, 100))}`, {
    hint: 'Something other than QEMU answers on the QMP socket.',
  })
}
