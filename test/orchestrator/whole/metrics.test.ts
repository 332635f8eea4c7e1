import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { packageRoot } from '../../../images/package-root.ts'
import { removeS3Server, type S3Server, startS3Server, withKey } from '../archive/s3/start-s3-server.ts'
import { namedMetrics } from '../metrics/named-metrics.ts'
import { oneJob, startWhole } from './whole-server.ts'

const target = z.object({ refId: z.string(), expr: z.string().min(1), legendFormat: z.string() })
const panel = z.object({
  id: z.int(),
  type: z.enum(['row', 'timeseries']),
  title: z.string().min(1),
  gridPos: z.object({ h: z.int(), w: z.int(), x: z.int(), y: z.int() }),
  targets: z.array(target).min(1).optional(),
})
const variable = z.object({ name: z.string(), type: z.string(), definition: z.string().optional() })
const dashboard = z.object({
  uid: z.literal('mayfly'),
  schemaVersion: z.int().min(36),
  templating: z.object({ list: z.array(variable) }),
  panels: z.array(panel),
})
const alerts = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Mayfly\w+$/),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
          annotations: z.strictObject({ summary: z.string().min(10) }),
        }),
      ),
    }),
  ),
})

/** By name, with the labels that were seen. */
let given: Map<string, Set<string>>
let s3: S3Server
let shown: z.output<typeof dashboard>
let rules: z.output<typeof alerts>['groups'][number]['rules']

beforeAll(async () => {
  const text = (...path: readonly string[]) => readFile(join(packageRoot(), 'config', ...path), 'utf8')
  shown = dashboard.parse(JSON.parse(await text('grafana', 'mayfly.json')))
  rules = alerts.parse(parse(await text('prometheus', 'alerts.yml'))).groups.flatMap((group) => group.rules)
  s3 = await startS3Server()
})
afterAll(() => removeS3Server(s3))

const own = () => [...given.keys()].filter((name) => !name.startsWith('mayfly_process_'))
const queries = () => shown.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
const definitions = () => shown.templating.list.flatMap(({ definition }) => definition ?? [])

/** What a query groups by or chooses by, with the metrics that it does that with. */
function labelsOf(query: string): string[] {
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/, */))
  const chosen = [...query.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map(([, name = '']) => name)
  return [...grouped, ...chosen]
}

describe('the metrics of a server that has everything', () => {
  // One server for all that is asked of it, for it takes its time to start.
  it('are those that the dashboard and the alerts speak of, and all of them are on the dashboard', {
    timeout: 300_000,
  }, async (context) => {
    withKey()
    const bucket = await s3.makeBucket()
    const whole = await startWhole({
      machine: { steps: () => ({ prints: ['made it\n'] }) },
      host: {
        bucket,
        pool: [{ image: 'debian-12-local', resources: {}, network: 'none', min: 1, max: 1 }],
      },
    })
    context.onTestFinished(() => whole.close())
    const push = await whole.repository('octo/metrics', { '.mayfly.yml': oneJob })
    await whole.deliver(push)
    expect(await whole.verdict(push.name, 200_000)).toMatchObject({ state: 'passed' })
    given = familiesOf(await (await fetch(`${whole.url}/metrics`)).text())

    expect(own().length).toBeGreaterThan(20)
    for (const query of [...queries(), ...definitions(), ...rules.map(({ expr }) => expr)])
      for (const name of namedMetrics(query)) expect([...given.keys()], query).toContain(name)
    const onPanels = new Set(queries().flatMap(namedMetrics))
    expect(own().filter((name) => !onPanels.has(name))).toEqual([])
    expect(rules.flatMap(({ expr }) => namedMetrics(expr)).length).toBeGreaterThan(10)

    const ofScrape = ['instance', 'job', 'le']
    for (const query of [...queries(), ...rules.map(({ expr }) => expr)]) {
      const known = namedMetrics(query).flatMap((name) => [...(given.get(name) ?? [])])
      if (known.length === 0) continue
      for (const label of labelsOf(query)) expect([...known, ...ofScrape], query).toContain(label)
    }
  })
})

describe('the dashboard', () => {
  it('has its panels beside each other, each with a name of its own, on the data source that is chosen', () => {
    const { panels } = shown
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const squares = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    )
    expect(new Set(squares).size).toBe(squares.length)
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24)
  })

  it('is narrowed down by host and by repository', () => {
    expect(shown.templating.list.map(({ name }) => name)).toEqual(['datasource', 'host', 'repository'])
    for (const name of ['$host', '$repository'])
      expect(queries().filter((query) => query.includes(`"${name}"`)).length).toBeGreaterThan(0)
  })
})

/** The text format of Prometheus: `# TYPE NAME KIND`, then lines `NAME{LABELS} VALUE`. */
function familiesOf(text: string): Map<string, Set<string>> {
  const families = new Map<string, Set<string>>()
  let last = new Set<string>()
  for (const line of text.split('\n')) {
    const name = /^# TYPE (\S+)/.exec(line)?.[1]
    if (name !== undefined) {
      last = new Set()
      families.set(name, last)
    } else if (!line.startsWith('#')) {
      for (const [, label = ''] of line.matchAll(/[{,](\w+)="/g)) last.add(label)
    }
  }
  return families
}
