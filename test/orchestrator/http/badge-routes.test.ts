import { expect, it } from 'vitest'
import { aPullRequest } from '../builds/build-world.ts'
import { httpWorld } from './http-world.ts'

const path = '/badges/gitea/mayfly/hello.svg'

it('shows the last verdict of a repository, a branch and a job', async () => {
  const { ask, addJob } = await httpWorld()
  await addJob({ state: 'failed' }, { id: '01a', state: 'failed' })
  await addJob({ state: 'passed' }, { id: '01b', state: 'passed', branch: 'next' })
  const label = async (query: string) =>
    /aria-label="([^"]*)"/.exec(await (await ask(`${path}${query}`)).text())?.[1]
  expect(await label('')).toBe('build: passed')
  expect(await label('?branch=main')).toBe('build: failed')
  expect(await label('?branch=main&job=main')).toBe('main: failed')
  expect(await label('?branch=gone')).toBe('build: unknown')
  expect(await label('?job=gone')).toBe('gone: unknown')
})

it('does not say of a branch what a pull request to it came to', async () => {
  const { ask, addJob } = await httpWorld()
  await addJob({}, { id: '01a', state: 'passed' })
  await addJob({}, { id: '01b', state: 'failed', trigger: aPullRequest({ fork: true }) })
  expect(await (await ask(`${path}?branch=main`)).text()).toContain('build: passed')
})

it('is an SVG that is asked for anew, with whatever is in a name escaped', async () => {
  const { ask } = await httpWorld()
  const answer = await ask(`${path}?job=${encodeURIComponent('<script>"\u0000\u001b[31m&')}`)
  expect(answer.headers.get('content-type')).toBe('image/svg+xml; charset=utf-8')
  expect(answer.headers.get('cache-control')).toContain('no-cache')
  const svg = await answer.text()
  expect(svg).toContain('&lt;script&gt;&quot;[31m&amp;: unknown')
  expect(svg).not.toMatch(/<script|\p{Cc}\[/u)
})
