import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { httpWorld } from './http-world.ts'

async function withArtifacts() {
  const world = await httpWorld()
  const { job, folder } = await world.addJob({ state: 'passed' })
  const artifacts = join(folder, 'artifacts')
  await mkdir(join(artifacts, 'out'), { recursive: true })
  await writeFile(join(artifacts, 'page.html'), '<script>alert(1)</script>')
  await writeFile(join(artifacts, 'out/é #1.txt'), '0123456789')
  await writeFile(join(artifacts, 'empty'), '')
  await writeFile(join(folder, 'record.json'), 'not for download')
  await symlink('/etc/passwd', join(artifacts, 'passwd'))
  await symlink('/etc', join(artifacts, 'etc'))
  const get = (path: string, init: RequestInit = {}) =>
    world.ask(`/api/v1/jobs/${job.id}/artifacts${path}`, { ...init, scopes: ['read'] })
  return { ...world, job, get }
}

describe('artifacts', () => {
  it('are listed without what is a link', async () => {
    const { get } = await withArtifacts()
    expect(await (await get('')).json()).toEqual({
      items: [
        { path: 'empty', bytes: 0 },
        { path: 'out/é #1.txt', bytes: 10 },
        { path: 'page.html', bytes: 25 },
      ],
    })
  })

  it('are saved by a browser and never run, whatever they are', async () => {
    const { get } = await withArtifacts()
    const { headers } = await get('/page.html')
    expect(headers.get('content-type')).toBe('application/octet-stream')
    expect(headers.get('content-disposition')).toBe('attachment')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain('sandbox')
  })

  it('come in ranges', async () => {
    const { get } = await withArtifacts()
    const path = `/out/${encodeURIComponent('é #1.txt')}`
    const part = await get(path, { headers: { range: 'bytes=2-4' } })
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([
      206,
      '234',
      'bytes 2-4/10',
    ])
    const beyond = await get(path, { headers: { range: 'bytes=10-' } })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10'])
    const head = await get(path, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', ''])
    expect(await (await get('/empty')).text()).toBe('')
  })

  it.each([
    '/../record.json',
    '/%2e%2e/record.json',
    '/..%2frecord.json',
    '/..%252frecord.json',
    '/out/..%2f..%2frecord.json',
    '/%2fetc%2fpasswd',
    '/passwd',
    '/etc/passwd',
    '/page.html%00.txt',
    '/out',
  ])('do not lead to %s', async (path) => {
    const { get } = await withArtifacts()
    const answer = await get(path)
    expect(answer.status).toBe(404)
    expect(await answer.text()).not.toMatch(/root:|not for download/)
  })
})

describe('every path parameter', () => {
  const hostile = ['..%2f..%2fetc%2fpasswd', '%2e%2e%2f', 'a%00b', '%ff', encodeURIComponent('<img src=x>')]
  const paths = [
    '/api/v1/builds/:p',
    '/api/v1/jobs/:p',
    '/api/v1/jobs/:p/log',
    '/api/v1/jobs/:p/console/follow',
    '/api/v1/jobs/:p/log/search?text=x',
    '/api/v1/jobs/:p/artifacts',
    '/api/v1/jobs/:p/artifacts/:p',
    '/api/v1/deliveries/:p',
    '/api/v1/deliveries/:p/explain',
    '/builds/:p',
    '/jobs/:p',
    '/jobs/:p/lines',
    '/deliveries/:p',
    '/assets/:p',
  ]
  it.each(paths)('of %s that names nothing is 404, and escaped where it is said', async (path) => {
    const { ask } = await httpWorld()
    for (const value of hostile) {
      const answer = await ask(path.replaceAll(':p', value), { scopes: ['admin'] })
      expect(answer.status, value).toBe(404)
      if (answer.headers.get('content-type')?.startsWith('text/html'))
        expect(await answer.text()).not.toContain('<img')
    }
  })

  it.each(['/badges/gitea/..%2f..%2fetc.svg', '/badges/%3Cimg%3E/a/b.svg'])(
    'of %s is an unknown badge',
    async (path) => {
      const { ask } = await httpWorld()
      const svg = await (await ask(path)).text()
      expect(svg).toContain('build: unknown')
      expect(svg).not.toContain('<img')
    },
  )
})
