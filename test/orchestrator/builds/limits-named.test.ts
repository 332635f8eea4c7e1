import { expect, it } from 'vitest'
import { createBuild } from '../../../orchestrator/builds/create-build.ts'
import { aTrigger, buildWorld } from './build-world.ts'

const matrix = 'jobs:\n  one:\n    matrix: { a: [1, 2, 3] }\n    steps: [make]\n'

it.each([
  ['repositories.limits.matrix', { running: undefined, queued: 100, matrix: 2 }],
  ['repositories.limits.queued', { running: undefined, queued: 2, matrix: 100 }],
])('a build that goes beyond %s is errored, says so and is counted', async (name, limits) => {
  const { parts, repository, store } = await buildWorld({ file: matrix, repository: { limits } })
  const reached: string[] = []
  const counting = { ...parts, onLimit: (limit: string) => void reached.push(limit) }
  const { build, reasons } = await createBuild(counting, { repository, trigger: aTrigger() })
  expect(build).toMatchObject({ state: 'errored', problem: expect.stringContaining(name) })
  expect(reasons.join('\n')).toContain(name)
  expect(reached).toEqual([name])
  expect(await store.jobs.ofBuild(build?.id ?? '')).toEqual([])
})
