import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, inject, it, onTestFinished } from 'vitest'
import { processesOf } from '../../faults/processes-of.ts'
import { linesOfJob, type Seen } from './seen.ts'

it('of three hosts on a LAN one loses its power and one is cut off and comes back, and each job ends once, with one verdict, one status and its whole log, and nothing is left on any host', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-lan-'))
  onTestFinished(async () => {
    // Machines that outlived a failure.
    for (const pid of (await processesOf(folder)).keys()) process.kill(pid, 'SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  const here = import.meta.dirname
  const child = [process.execPath, '--import', 'tsx', join(here, 'namespaces-child.ts')]
  const { stdout } = await execa('sh', [join(here, 'lan'), ...child, folder, inject('sharedData')])
  const seen = JSON.parse(stdout) as Seen

  expect(new Set(Object.values(seen.hosts))).toEqual(new Set([1, 2, 3]))
  // Those of the first two were begun anew on another host, the third went on where it was.
  expect(seen.jobs.map(({ state, attempt }) => ({ state, attempt }))).toEqual([
    { state: 'passed', attempt: 2 },
    { state: 'passed', attempt: 2 },
    { state: 'passed', attempt: 1 },
  ])
  const lines = Array.from({ length: linesOfJob }, (_, index) => `line ${index + 1}`)
  for (const { log, verdicts } of seen.jobs) {
    expect(log.split('\n').filter((line) => line.startsWith('line '))).toEqual(lines)
    expect(verdicts).toEqual(['passed'])
  }

  // A forge is told of the end of each of the three jobs and of their build, once.
  const ends = seen.statuses.filter(({ state }) => state !== 'pending')
  expect(ends.map(({ state }) => state)).toEqual(Array(4).fill('success'))
  expect(new Set(ends.map(({ context }) => context)).size).toBe(4)

  expect(seen.exitCodes).toEqual([0, 0, 0])
  expect(seen.left).toEqual(Array(3).fill({ processes: 0, machines: [] }))
})
