import fc from 'fast-check'
import { expect } from 'vitest'
import { type HttpWorld, httpWorld } from '../orchestrator/http/http-world.ts'
import { fuzz } from './fuzz.ts'

const part = fc.oneof(
  fc.constantFrom(
    'jobs',
    'builds',
    'log',
    'console',
    'artifacts',
    'timeline',
    'follow',
    'search',
    'lines',
    'samples',
  ),
  fc.constantFrom(
    'repositories',
    'deliveries',
    'tokens',
    'hosts',
    'queue',
    'images',
    'debug',
    'retry',
    'cancel',
    'secrets',
  ),
  fc.constantFrom(
    'JOB',
    'BUILD',
    'gitea',
    'mayfly',
    'hello',
    '1',
    '-1',
    '..',
    '%2e%2e%2f',
    '%00',
    '%ff',
    '__proto__',
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }).map(encoded),
)
const known = fc.constantFrom(
  ...[
    '/api/v1/jobs/JOB/log',
    '/api/v1/jobs/JOB/log/search',
    '/api/v1/jobs/JOB/console',
    '/api/v1/jobs/JOB',
    '/jobs/JOB',
  ],
  ...[
    '/api/v1/builds',
    '/api/v1/builds/BUILD',
    '/api/v1/jobs/JOB/artifacts',
    '/jobs/JOB/lines',
    '/builds/BUILD',
    '/',
  ],
  ...[
    '/api/v1/deliveries',
    '/api/v1/hosts',
    '/api/v1/queue',
    '/deliveries',
    '/hosts',
    '/queue',
    '/images',
    '/badges/x/y',
  ],
)
const path = fc.oneof(
  { weight: 3, arbitrary: known },
  {
    weight: 1,
    arbitrary: fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => `/api/v1/${parts.join('/')}`),
  },
  {
    weight: 1,
    arbitrary: fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
  },
)
const key = fc.constantFrom(
  ...[
    'start',
    'end',
    'tail',
    'line',
    'lines',
    'offset',
    'limit',
    'text',
    'state',
    'attempt',
    'before',
    'after',
    'q',
  ],
  ...['repository', 'branch', 'cursor', 'page', 'verdict', '__proto__', 'forge'],
)
const value = fc.oneof(
  fc.constantFrom(
    '0',
    '1',
    '-1',
    '1e9',
    '1.5',
    'NaN',
    '9007199254740993',
    '0x10',
    '',
    'passed',
    'null',
    '%00',
    '%ff%fe',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map(encoded),
)
const header = fc.constantFrom(
  'range',
  'last-event-id',
  'accept',
  'if-none-match',
  'content-type',
  'x-forwarded-for',
  'origin',
)
const headerValue = fc.oneof(
  fc.constantFrom(
    'bytes=0-',
    'bytes=-1',
    'bytes=5-1',
    'bytes=0-99999999999999999999',
    'bytes=0-1,2-3',
    'text/html',
    '*/*',
    '-1',
    '1e400',
  ),
  fc.stringMatching(/^[ -~]{0,20}$/),
)

let world: { http: HttpWorld; job: string; build: string }

async function makeWorld(): Promise<void> {
  const http = await httpWorld()
  const { job, build, folder } = await http.addJob({ state: 'passed' })
  const log = await http.openLog(folder)
  await log.append(Buffer.from('one\ntwo \u001b[31mred\u001b[0m\n'.repeat(400)), 0)
  await log.close()
  world = { http, job: job.id, build: build.id }
}

fuzz({
  target: 'http-parameters',
  prepare: makeWorld,
  cases: fc.record({
    method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'),
    path,
    query: fc.array(fc.tuple(key, value), { maxLength: 4 }),
    headers: fc.array(fc.tuple(header, headerValue), { maxLength: 3 }),
    body: fc.oneof(
      fc.jsonValue({ maxDepth: 2 }).map((json) => JSON.stringify(json)),
      fc.string({ maxLength: 20 }),
    ),
  }),
  async holds({ method, path: asked, query, headers, body }) {
    const { http, job, build } = world
    const place = asked.replaceAll('JOB', job).replaceAll('BUILD', build)
    const text = query.map(([name, given]) => `${name}=${given}`).join('&')
    const address = `${place}${text === '' ? '' : `?${text}`}`
    const hasBody = !['GET', 'HEAD', 'OPTIONS'].includes(method)
    const answer = await http.ask(address, {
      method,
      headers: new Headers([
        ['content-type', 'application/json'],
        ...headers.filter(([, given]) => isSendable(given)),
      ]),
      scopes: ['read', 'submit', 'debug', 'admin'],
      ...(hasBody && { body }),
    })
    expect(answer.status, `${method} ${address}`).not.toBe(500)
    const said = method === 'HEAD' ? '' : await answer.text()
    const type = answer.headers.get('content-type') ?? ''
    if (type.includes('json') && said !== '') JSON.parse(said)
    if (answer.status >= 400) expect(said).not.toMatch(/ at .*\.ts:\d+/)
  },
})

/** As it stands in an address; a lone surrogate, which has no such form, becomes U+FFFD. */
function encoded(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString())
}

function isSendable(text: string): boolean {
  try {
    return new Headers({ x: text }).get('x') !== null
  } catch {
    return false
  }
}
