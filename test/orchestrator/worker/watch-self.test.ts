import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import type { ListedImage } from '../../../images/shelf/list-images.ts'
import { watchSelf } from '../../../orchestrator/worker/watch-self.ts'
import { until } from '../until.ts'

const log = pino({ level: 'silent' })

const image = (name: string, change: Partial<ListedImage> = {}): ListedImage => ({
  ...{ name, title: name, source: 'url', present: true, digest: `sha256:${name}`, size: 1, virtualSize: 1 },
  ...{ created: '2026-01-02T03:04:05.000Z', age: 1, users: [], problem: undefined, note: undefined },
  ...change,
})

async function aHost({ labels = [], name }: { labels?: string[]; name?: string } = {}) {
  const dataFolder = await mkdtemp(join(tmpdir(), 'mayfly-self-'))
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }))
  let images: ListedImage[] = []
  const self = await watchSelf({
    host: { name, labels, accel: 'tcg', defaultImage: 'a' },
    dataFolder,
    shelf: { list: async () => images, resolve: () => Promise.reject(new Error('none is here')) },
    log,
    soon: 1,
  })
  onTestFinished(() => self.close())
  const place = (...placed: ListedImage[]) => {
    images = placed
  }
  return { self, place }
}

it('a host says what it is called, what it runs on and what it found out, and takes no KVM for granted', async () => {
  const { self } = await aHost({ name: 'rack-2', labels: ['gpu'] })
  const architecture = process.arch === 'x64' ? 'x86_64' : 'aarch64'
  expect(self.labels()).toEqual(['gpu', architecture].sort())
  expect(self.facts()).toMatchObject({
    ...{ computer: 'rack-2', architecture, protocol: expect.any(Number) },
    accel: { kind: 'tcg', reason: 'the host file asks for emulation' },
    version: expect.stringMatching(/^\d+\.\d+/),
    disk: { total: expect.any(Number), free: expect.any(Number) },
  })
  expect(Math.abs(Date.parse(self.facts().clock ?? '') - Date.now())).toBeLessThan(60_000)
})

it('it looks again when something may have changed, names what came last first and counts what it leaves out', async () => {
  const { self, place } = await aHost()
  expect(self.facts().holds?.images).toEqual({ items: [], more: 0 })
  const many = Array.from({ length: 52 }, (_, index) => image(`old-${index}`, { age: 1000 + index }))
  place(image('absent', { present: false }), ...many, image('new', { age: 3 }))
  self.touch()
  await until('it has looked', () => self.facts().holds?.images.items.length === 50)
  const images = self.facts().holds?.images
  expect(images?.items.slice(0, 2)).toEqual([
    { name: 'new', digest: 'sha256:new' },
    { name: 'old-0', digest: 'sha256:old-0' },
  ])
  expect(images?.more).toBe(3)
})

it('what it says costs a heartbeat next to nothing', async () => {
  const { self } = await aHost()
  const began = process.cpuUsage()
  for (let time = 0; time < 1000; time++) JSON.stringify(self.facts())
  const { user, system } = process.cpuUsage(began)
  expect((user + system) / 1000 / 1000).toBeLessThan(5)
})
