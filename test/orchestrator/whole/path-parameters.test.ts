import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { oneJob, startWhole, type Whole } from './whole-server.ts'

let whole: Whole
let known: Record<string, string>

beforeAll(async () => {
  whole = await startWhole({ machine: { files: { 'out.txt': 'an artifact\n' } } })
  const pipeline = `${oneJob}artifacts: ["*.txt"]\n`
  const push = await whole.repository('octo/paths', { '.mayfly.yml': pipeline })
  const { body } = await whole.deliver(push)
  const build = await whole.verdict(push.name)
  known = {
    ...{ build: build.id, job: build.jobs[0]?.id ?? '', delivery: String(body.delivery), path: 'out.txt' },
    ...{ key: 'github:octo%2Fpaths', scope: 'host', name: 'NAME', token: 'none', forge: 'github' },
  }
})
afterAll(() => whole?.close())

const far = '..%2f'.repeat(12)
const hostile = [
  ...['..', '../../../../etc/passwd', '..%2f..%2f..%2f..%2fetc%2fpasswd', '%2e%2e%2f%2e%2e%2fetc%2fpasswd'],
  ...[`${far}etc%2fpasswd`, `${far}proc%2fself%2fenviron`, '..%5c..%5cetc%5cpasswd', '..%252f..%252fetc'],
  ...['%2fetc%2fpasswd', '%00', 'x%00.txt', '%2e', '.%00./', '%ff%fe', '%', '%zz', '%c0%ae%c0%ae%2f'],
  ...['%F0%9F%92%A5', '%E2%80%AE', '%0d%0aset-cookie:%20a=b', '%1b%5b2J', '-', '__proto__', 'constructor'],
  ...[
    '..%2frecord.json',
    '..%2f..%2fredis%2fredis.conf',
    '..%2f..%2f..%2fsecrets.key',
    '*',
    'a'.repeat(15_000),
  ],
]

/** Pages have no document that lists them. */
const pages = [
  ...['/builds/{build}', '/jobs/{job}', '/jobs/{job}/lines', '/jobs/{job}/search', '/deliveries/{delivery}'],
  ...['/assets/{asset}', '/badges/{forge}/{path}', '/badges/github/{path}'],
].map((path) => ({ method: 'GET', path }))
const buttons = [
  ...['/builds/{build}/cancel', '/builds/{build}/approve', '/builds/{build}/retry', '/jobs/{job}/cancel'],
  '/deliveries/{delivery}/replay',
].map((path) => ({ method: 'POST', path }))

type Route = { readonly method: string; readonly path: string }

async function routes(): Promise<Route[]> {
  const { body } = await whole.api('GET', '/openapi.json')
  const listed = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  )
  expect(listed.length).toBeGreaterThan(30)
  return [...listed, ...pages, ...buttons].filter(({ path }) => path.includes('{'))
}

/** Each parameter of a route in turn hostile, the others naming what there is. */
function attacks({ path }: Route, value: string): string[] {
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  return parameters.map((attacked) =>
    path.replace(/\{(\w+)\}/g, (_, name: string) => (name === attacked ? value : (known[name] ?? 'x'))),
  )
}

describe('no path parameter', () => {
  it('of the API or of a page leads anywhere, whatever it holds', { timeout: 90_000 }, async () => {
    const all = await routes()
    const faults: string[] = []
    let asked = 0
    for (const route of all) {
      const paths = hostile.flatMap((value) => attacks(route, value))
      // One after the other on one connection would take minutes.
      for (let start = 0; start < paths.length; start += 16) {
        await Promise.all(
          paths.slice(start, start + 16).map(async (path) => {
            const answer = await ask(route.method, path)
            asked++
            const fault = faultOf(answer)
            if (fault !== undefined) faults.push(`${route.method} ${path.slice(0, 120)}: ${fault}`)
          }),
        )
      }
    }
    expect(faults).toEqual([])
    expect(asked).toBeGreaterThan(all.length * hostile.length)
    expect((await ask('GET', '/readyz')).status).toBe(200)
    expect((await ask('GET', `/api/v1/builds/${known.build}`)).status).toBe(200)
  })
})

type Answer = { status: number; type: string; headers: string[]; text: string }

const leaked =
  /root:x?:|daemon:|MAYFLY_|PATH=|unixsocket|appendonly|"phases"|\/node_modules\/|\.ts:\d+|at \w+ \(/

function faultOf({ status, headers, text, type }: Answer): string | undefined {
  const isFine = status >= 400 ? status < 500 : status === 200 && isHarmless(type, text)
  if (!isFine) return `answered ${status}: ${text.slice(0, 200)}`
  if (leaked.test(text)) return `leaked ${leaked.exec(text)?.[0]}`
  if (headers.some((header) => /^set-cookie$/i.test(header))) return 'set a cookie'
  return [...text].some((character) => character === '\x1b' || character === '\0')
    ? 'echoed control characters'
    : undefined
}

/**
 * What may be answered 200: the badge of nothing, a list that is empty, a secret whose name a shell's variable could
 * have, such as `__proto__`, and the first page, to which `/jobs/..` is another name.
 */
function isHarmless(type: string, text: string): boolean {
  if (type.startsWith('image/svg')) return text.includes('unknown')
  return /^\{"items":\[\]\}$|^\{"set":"\w+"\}$/.test(text) || text.includes('<title>Builds - Mayfly</title>')
}

/** As it stands: fetch would resolve the dots before it sends them. */
function ask(method: string, path: string): Promise<Answer> {
  const { hostname, port } = new URL(whole.url)
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const call = request({ hostname, port, method, path, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({
          ...{ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text },
          headers: response.rawHeaders,
        }),
      )
    })
    call.on('error', reject)
    call.setTimeout(20_000, () => call.destroy(new Error(`${method} ${path} did not end`)))
    // Right for a secret, so that only its path is wrong.
    call.end(method === 'GET' ? undefined : '{"value":"a value"}')
  })
}
