import assert from 'node:assert/strict'
import { z } from 'zod'
import { until } from '../orchestrator/until.ts'
import { inPlaceOf, type Page } from '../read-page.ts'
import type { Check } from './check.ts'
import { type Engine, project } from './engine.ts'
import { greenCommit } from './green-commit.ts'

const inspected = z.array(
  z.object({
    Name: z.string(),
    State: z.object({ StartedAt: z.string(), FinishedAt: z.string(), ExitCode: z.number() }),
    HostConfig: z.object({ Privileged: z.boolean(), Devices: z.array(z.unknown()).nullable() }),
    Mounts: z.array(z.object({ Type: z.string(), Source: z.string() })),
    EffectiveCaps: z.array(z.string()).nullable(),
  }),
)

const hosts = z.object({ items: z.array(z.object({ name: z.string(), stale: z.boolean() })) })
const patienceMs = 15 * 60_000

/** The installation of docker-compose.yml by docs/container.md, from nothing to a green commit, and what becomes of it later. */
export function composeChecks(engine: Engine, port: number, page: Page): Check[] {
  const { podman, compose, down, shell } = engine
  const one = (service: string) => `${project}_${service}_1`
  const inWeb = (...args: readonly string[]) => compose(['exec', '-T', 'web', 'mayfly', ...args])
  const inspect = async (...services: readonly string[]) =>
    inspected.parse(JSON.parse((await podman(['inspect', ...services.map(one)])).stdout))
  const ask = async (path: string): Promise<unknown> => {
    const token = (await shell(showToken)).stdout.trim()
    const headers = { Authorization: `Bearer ${token}` }
    return await (await fetch(`http://127.0.0.1:${port}/api/v1${path}`, { headers })).json()
  }
  const [firstJob = ''] = page.blocks('The first job', 'sh', 1)
  const [up = '', submit = '', ...rest] = firstJob.trim().split('\n')
  assert.deepEqual(rest, [])
  const [showToken = ''] = page.blocks('See it', 'sh', 1)
  const [scale = ''] = page.blocks('More workers', 'sh', 1)
  const [alone = ''] = page.blocks('One command in a container', 'sh', 1)
  return [
    {
      title: 'comes up with one command, each service after what it stands on',
      run: async () => {
        await shell(up)
        const [redis, image, web, worker] = await inspect('redis', 'image', 'web', 'worker')
        assert.ok(redis && image && web && worker)
        assert.equal(image.State.ExitCode, 0)
        assert.ok(Date.parse(redis.State.StartedAt) < Date.parse(web.State.StartedAt))
        assert.ok(Date.parse(web.State.StartedAt) < Date.parse(worker.State.StartedAt))
        assert.ok(Date.parse(image.State.FinishedAt) <= Date.parse(worker.State.StartedAt))
        await until('all healthy', async () => await areHealthy(['redis', 'web', 'worker']), patienceMs)
      },
    },
    {
      title: 'gives no server a right, a device or a socket of its host',
      run: async () => {
        for (const found of await inspect('reaper', 'redis', 'web', 'worker')) {
          assert.equal(found.HostConfig.Privileged, false, found.Name)
          assert.deepEqual(found.HostConfig.Devices ?? [], [], found.Name)
          assert.deepEqual(found.EffectiveCaps ?? [], [], found.Name)
          assert.ok(!found.Mounts.some(({ Source }) => Source.endsWith('.sock')), found.Name)
        }
        const [image] = await inspect('image')
        assert.equal(image?.HostConfig.Privileged, false)
        for (const right of ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_SYS_PTRACE'])
          assert.ok(!image?.EffectiveCaps?.includes(right), right)
      },
    },
    {
      title: 'runs a first job to its end with one command more',
      run: async () => {
        const { stdout } = await shell(submit)
        assert.match(stdout, /Hello from a machine that was made for this job alone/)
        assert.match(stdout, /passed/)
      },
    },
    {
      title: 'answers nobody without the token',
      run: async () => {
        assert.equal((await fetch(`http://127.0.0.1:${port}/api/v1/builds`)).status, 401)
        assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200)
      },
    },
    greenCommit(engine, port, page),
    {
      title: 'keeps builds, image and token when all of it is taken down and brought up again',
      run: async () => {
        const before = (await inWeb('builds')).stdout
        assert.match(before, /passed/)
        await down()
        await shell(up)
        assert.equal((await inWeb('builds')).stdout, before)
      },
    },
    {
      title: 'has as many workers as are asked for, all of which say that they live',
      run: async () => {
        await shell(scale)
        const alive = async () => hosts.parse(await ask('/hosts')).items.filter(({ stale }) => !stale)
        await until('three workers', async () => (await alive()).length === 3, patienceMs)
      },
    },
    {
      title: 'runs a job with `mayfly run`, too, without network, device or capability',
      run: async () => {
        const words = { 'docker run': 'docker run --network none', mayfly_data: `${project}_data` }
        const ran = await shell(inPlaceOf(alone, words))
        assert.match(ran.stdout, /passed in/)
      },
    },
  ]

  async function areHealthy(services: readonly string[]): Promise<boolean> {
    const { stdout } = await podman(['ps', '--format', '{{.Names}} {{.Status}}'])
    return services.every((service) =>
      stdout.split('\n').some((line) => line.startsWith(`${one(service)} `) && line.includes('(healthy)')),
    )
  }
}
