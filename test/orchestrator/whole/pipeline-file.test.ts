import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../until.ts'
import { startWhole, type Whole } from './whole-server.ts'

let whole: Whole

beforeAll(async () => {
  whole = await startWhole()
})
afterAll(() => whole?.close())

/** Pushes these files and gives the build, with the last status that the forge got for its commit. */
async function pushed(name: string, files: Record<string, string | Buffer>) {
  const push = await whole.repository(name, files)
  expect((await whole.deliver(push)).status).toBe(202)
  const build = await whole.verdict(name)
  const last = () => whole.forge.received.findLast(({ path }) => path.endsWith(push.sha))?.body
  await until('the forge has the verdict', () => last()?.state !== undefined && last()?.state !== 'pending')
  return { build, status: last() }
}

describe('the forge hears of a commit', () => {
  it('without a pipeline file, with the name of the file that was expected', async () => {
    const { build, status } = await pushed('octo/none', { 'README.md': 'hello' })
    expect(build).toMatchObject({ state: 'errored', jobs: [] })
    expect(status).toMatchObject({
      state: 'error',
      context: 'mayfly',
      target_url: `${whole.url}/builds/${build.id}`,
    })
    expect(status?.description).toMatch(
      /^\.mayfly\.yml: expected a pipeline file at commit [0-9a-f]{12}, found none/,
    )
  })

  it.each<[string, string, RegExp]>([
    ['a key that is none', 'steps:\n  - run: make\n    shel: bash\n', /^\.mayfly\.yml:3:5: .*"shell"/],
    ['a value of the wrong kind', 'timeout: soon\nsteps:\n  - run: make\n', /^\.mayfly\.yml:1:10: /],
    ['YAML that does not close', 'steps: [ { run: make }\n', /^\.mayfly\.yml:\d+:\d+: /],
    [
      'a need that is no job',
      'jobs:\n  a:\n    needs: [b]\n    steps: [{ run: x }]\n',
      /^\.mayfly\.yml:3:\d+: /,
    ],
    ['needs in a circle', circle, /^\.mayfly\.yml:\d+:\d+: /],
    ['an empty file', '', /^\.mayfly\.yml:1:1: /],
    ['a bomb of aliases', bomb(), /^\.mayfly\.yml:\d+:\d+: /],
  ])('with %s in its file, by file, line and column', async (what, text, description) => {
    const { build, status } = await pushed(`octo/${what.replaceAll(' ', '-')}`, { '.mayfly.yml': text })
    expect(build).toMatchObject({ state: 'errored', jobs: [] })
    expect(build.problem).toMatch(description)
    expect(status).toMatchObject({ state: 'error', description: expect.stringMatching(description) })
    expect(await (await fetch(`${whole.url}/builds/${build.id}`)).text()).toContain('.mayfly.yml:')
  })

  it('whose file is no text, or a megabyte and more', async () => {
    const noText = await pushed('octo/bytes', { '.mayfly.yml': Buffer.from([0xff, 0xfe, 0, 1]) })
    expect(noText.status?.description).toContain('expected UTF-8 text in .mayfly.yml')
    const large = await pushed('octo/large', { '.mayfly.yml': '#'.repeat(2 ** 20 + 1) })
    expect(large.status?.description).toContain('expected .mayfly.yml to have at most')
  })
})

const circle = `jobs:
  a: { needs: [b], steps: [{ run: x }] }
  b: { needs: [a], steps: [{ run: x }] }
`

function bomb(): string {
  const rows = Array.from(
    { length: 12 },
    (_, row) => `a${row + 1}: &a${row + 1} [${`*a${row},`.repeat(9)}]\n`,
  )
  return `a0: &a0 [x]\n${rows.join('')}`
}
