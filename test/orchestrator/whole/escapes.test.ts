import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { program } from '../../../orchestrator/command/program.ts'
import { until } from '../until.ts'
import { type ShownBuild, startWhole, type Whole } from './whole-server.ts'

/** Colours and markup, window titles, hyperlinks, a cleared screen, an answerback, C1 controls, and a turned direction. */
const terminal =
  '\x1b[2J\x1b]0;owned\x07\x1b]8;;javascript:alert(2)\x1b\\x\x1b]8;;\x1b\\\x1bPq\x1b\\\x9b2J\x85\x05\b\x7f\u202e\r'
const html = `"'><script>alert(1)</script><img src=x onerror=alert(2)><!--</title></pre>&lt;`
// As far as git lets a branch be called.
const branch = `<svg/onload=alert(1)>"'&<b>`

const pipeline = `
jobs:
  one:
    resources: { cpus: 1, memory: 256MiB }
    steps:
      - name: ${JSON.stringify(`step ${html}`)}
        run: echo
  two:
    needs: [one]
    resources: { cpus: 1, memory: 256MiB }
    steps: [{ run: echo }]
`

let whole: Whole
let build: ShownBuild
let delivery: string

beforeAll(async () => {
  const prints = [`${html}\n`, `${terminal}\n`, '\x1b[31mred\x1b[0m\n', Buffer.from([0xff, 0xfe, 0x0a])]
  whole = await startWhole({
    machine: { steps: () => ({ prints, console: `${html}${terminal}\n`, exits: 1 }) },
  })
  const push = await whole.repository('octo/evil', { 'README.md': 'hello' })
  const commit = { branch, message: `${html} ${terminal}`, author: 'A Script' }
  const sha = await whole.git.commit(
    'octo/evil',
    { '.mayfly.yml': pipeline, [`a${html.replaceAll('/', '')}`]: '' },
    commit,
  )
  const answer = await whole.deliver({
    ...push,
    sha,
    ref: `refs/heads/${branch}`,
    title: `${html} ${terminal}`,
  })
  expect(answer.status).toBe(202)
  delivery = String(answer.body.delivery)
  build = await whole.verdict('octo/evil')
  await until('the forge has the verdict', () => whole.forge.received.at(-1)?.body.state !== 'pending')
})
afterAll(() => whole?.close())

const evil = encodeURIComponent(`${html}${terminal}`)
const get = async (path: string) => await fetch(`${whole.url}${path}`)

describe('what a stranger wrote into names, titles and logs', () => {
  it('came as far as the records of the build', async () => {
    expect(build).toMatchObject({ state: 'failed', branch })
    expect(JSON.stringify(build)).toContain('<script>alert(1)')
  })

  it('is text on every page, in every badge, and nothing that a browser runs', async () => {
    const [one, two] = build.jobs.map(({ id }) => id)
    const paths = [
      ...[
        '/',
        `/?branch=${encodeURIComponent(branch)}`,
        `/?repository=${evil}&branch=${evil}&cursor=${evil}`,
      ],
      ...[`/builds/${build.id}`, `/jobs/${one}`, `/jobs/${two}`, `/jobs/${one}?stream=console`],
      ...[
        `/jobs/${one}/lines?line=1&lines=99`,
        `/jobs/${one}/search?text=${evil}`,
        `/jobs/${one}/search?text=script`,
      ],
      ...['/deliveries', `/deliveries/${delivery}`, '/queue', '/images', `/builds/${evil}`, `/jobs/${evil}`],
      ...[`/deliveries/${evil}`, `/assets/${evil}`, `/${evil}`, '/login'],
      `/badges/github/octo/evil.svg?branch=${encodeURIComponent(branch)}&job=${evil}`,
      `/badges/github/octo/evil.svg?branch=${evil}`,
    ]
    for (const path of paths) {
      const answer = await get(path)
      const text = await answer.text()
      expect(answer.status, path).toBeLessThan(500)
      expect(answer.headers.get('content-security-policy'), path).toContain("default-src 'none'")
      expect(answer.headers.get('x-content-type-options'), path).toBe('nosniff')
      expect(text, path).not.toMatch(
        /<script>alert|<img src=x|<svg\/onload|href="?javascript:|<!--<\/title>/i,
      )
      expect(controlsOf(text), path).toEqual([])
    }
    const log = await (await get(`/jobs/${one}/lines?line=1&lines=99`)).text()
    expect(log).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(log).toContain('ansi-red-fg')
  })

  it('is data in the API: JSON as JSON, a log as text, never to be guessed at', async () => {
    const [one] = build.jobs.map(({ id }) => id)
    for (const path of [
      `/builds/${build.id}`,
      `/jobs/${one}`,
      '/builds',
      '/deliveries',
      `/jobs/${one}/log/search?text=script`,
    ]) {
      const answer = await get(`/api/v1${path}`)
      expect(answer.headers.get('content-type'), path).toMatch(/^application\/json/)
      expect(answer.headers.get('x-content-type-options'), path).toBe('nosniff')
      expect(await answer.json()).toBeTypeOf('object')
    }
    for (const stream of ['log', 'console']) {
      const log = await get(`/api/v1/jobs/${one}/${stream}`)
      expect(log.headers.get('content-type')).toBe('text/plain; charset=utf-8')
      expect(log.headers.get('x-content-type-options')).toBe('nosniff')
      expect(await log.text()).toContain('<script>alert(1)</script>')
    }
  })

  it('reaches the forge without what a terminal or a page would obey', () => {
    for (const { body } of whole.forge.received) {
      expect(controlsOf(JSON.stringify(body))).toEqual([])
      expect(String(body.target_url)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/(builds|jobs)\/[\w-]+$/)
    }
  })

  it('moves no cursor of who asks with mayfly builds, show and logs', async () => {
    const [one] = build.jobs.map(({ id }) => id)
    const commands = [
      ...[
        ['builds'],
        ['show', build.id],
        ['builds', '--json'],
        ['show', build.id, '--json'],
        ['repos', 'ls'],
      ],
      ...[
        ['logs', one ?? ''],
        ['logs', one ?? '', '--console'],
        ['logs', one ?? '', '-f'],
      ],
    ]
    for (const args of commands) {
      const output = await outputOf(args)
      expect(output.length, args.join(' ')).toBeGreaterThan(20)
      // Colours and a progress display's return are let through, and only from a log.
      const rest = args[0] === 'logs' ? withoutColours(output).replaceAll('\r', '') : output
      expect(controlsOf(rest), args.join(' ')).toEqual([])
    }
    expect(await outputOf(['builds'])).toContain('<script>alert(1)</script>')
  })
})

/** Control characters but line break and tab, as JSON writes them. */
function controlsOf(text: string): string[] {
  return [...new Set(text.match(/[^\P{Cc}\n\t]/gu) ?? [])].map((control) => JSON.stringify(control))
}

function withoutColours(text: string): string {
  return text
    .split('\x1b')
    .map((part, index) => (index === 0 ? part : part.replace(/^\[[0-9;]*m/, '')))
    .join('')
}

/** What `mayfly ARGS` prints when it asks the whole server. */
async function outputOf(args: readonly string[]): Promise<string> {
  const written: string[] = []
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    written.push(Buffer.from(chunk as Uint8Array).toString())
    return true
  })
  try {
    await program().parseAsync(['node', 'mayfly', ...args, '--server', whole.url])
  } finally {
    write.mockRestore()
  }
  return written.join('')
}
