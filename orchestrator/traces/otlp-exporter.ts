import { setTimeout as sleep } from 'node:timers/promises'
import { type HrTime, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { Span, Trace } from './span.ts'

export type TraceExporter = {
  /** @throws Error where the collector does not take it; tried again a few times before */
  send(trace: Trace): Promise<void>
  /** Waits for what is under way, but not long: a server that is to be restarted has more to do. */
  close(): Promise<void>
}

const patienceMs = 10_000
const lastPatienceMs = 2_000

/** Sends to a collector by OTLP over HTTP, as JSON. `OTEL_EXPORTER_OTLP_HEADERS` of the environment counts. */
export function otlpExporter(endpoint: string, attributes: Readonly<Record<string, string>>): TraceExporter {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: patienceMs, concurrencyLimit: 8 })
  const resource = resourceFromAttributes(attributes)
  return {
    send: ({ id, spans }) =>
      new Promise((resolve, reject) => {
        exporter.export(
          spans.map((span) => readable(id, span, resource)),
          ({ code, error }) => (code === 0 ? resolve() : reject(error ?? new Error('not taken'))),
        )
      }),
    close: () => Promise.race([exporter.shutdown(), sleep(lastPatienceMs, undefined, { ref: false })]),
  }
}

// With ids of our own, which the tracer of the SDK would draw by itself.
function readable(traceId: string, span: Span, resource: ReadableSpan['resource']): ReadableSpan {
  const context = (spanId: string) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED })
  const { name, id, parent, start, end, attributes, failed } = span
  return {
    ...{ name, kind: SpanKind.INTERNAL, spanContext: () => context(id) },
    ...(parent === undefined ? {} : { parentSpanContext: context(parent) }),
    ...{ startTime: hrTime(start), endTime: hrTime(end), duration: hrTime(end - start), ended: true },
    status:
      failed === undefined ? { code: SpanStatusCode.OK } : { code: SpanStatusCode.ERROR, message: failed },
    ...{ attributes: { ...attributes }, links: [], events: [], resource },
    instrumentationScope: { name: 'mayfly' },
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  }
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)]
}
