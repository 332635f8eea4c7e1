import { z } from 'zod'
import { mapping } from '../schema/mapping.ts'

/** Where traces of jobs go. */
export const hostTraces = mapping({
  endpoint: z
    .url({ protocol: /^https?$/, error: 'expected a URL that starts with https:// or http://' })
    .refine((value) => new URL(value).username === '' && new URL(value).search === '', {
      error: 'expected a URL without user, password and query: headers stand in OTEL_EXPORTER_OTLP_HEADERS',
    })
    .meta({
      title: 'URL',
      description:
        'Base of a collector that speaks OTLP over HTTP, such as `http://127.0.0.1:4318`; `/v1/traces` is added.',
    }),
}).meta({
  id: 'traces',
  description:
    'Where OpenTelemetry traces of builds and jobs are sent when they have ended. See [operations](operations.md#traces).',
})
