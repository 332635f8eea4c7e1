import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it, onTestFinished } from 'vitest'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import { makeDataFolder, removeDataFolder } from '../acceptance/boot.ts'
import { answerBytes } from '../isolation/public-server.ts'

type Seen = {
  /** Pids of QEMU and of what serves its network, before each server was killed and before the next one. */
  readonly rounds: readonly { before: readonly number[]; meanwhile: readonly number[] }[]
  readonly job: { state: string; attempt: number }
  readonly log: string
  readonly page: string
  readonly record: JobRecord
  readonly exitCode: number
  readonly left: { processes: readonly number[]; machines: readonly string[] }
  readonly served: number
}

it('a machine with network: internet outlives its server with its network and the way in, both are taken up, and all are gone at the end', async () => {
  const data = await makeDataFolder()
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-adopted-'))
  onTestFinished(async () => {
    await removeDataFolder(data)
    await rm(folder, { recursive: true, force: true })
  })
  const work = join(folder, 'work')
  await mkdir(work)
  const world = join(import.meta.dirname, '..', 'isolation', 'world')
  const child = join(import.meta.dirname, 'own-network-child.ts')
  const run = [process.execPath, '--import', 'tsx', child, data, work]
  const { stdout } = await execa('sh', [world, folder, ...run])
  const seen = JSON.parse(stdout) as Seen

  expect(seen.job).toMatchObject({ state: 'passed', attempt: 1 })
  const [first] = seen.rounds
  expect(first?.before).toHaveLength(3)
  for (const { before, meanwhile } of seen.rounds) {
    expect(before).toEqual(first?.before)
    expect(meanwhile).toEqual(before)
  }
  const fetched = Array.from({ length: 60 }, (_, index) => `fetched ${index + 1} ${answerBytes}\n`)
  expect(seen.log.slice(seen.log.indexOf('fetched 1 '))).toBe(fetched.join(''))

  // What was fetched while there was no server counts too, and what the servers heard of the machine does not.
  expect(seen.served).toBe(60)
  const { netReceived = 0, netSent = 0 } = seen.record.use ?? {}
  expect(netReceived).toBeGreaterThan(59 * answerBytes)
  expect(netReceived).toBeLessThan(60 * answerBytes * 1.2)
  expect(netSent).toBeLessThan(1_000_000)
  expect(seen.record.steps.at(-1)?.use?.netReceived).toBeGreaterThan(58 * answerBytes)
  expect(seen.page).toMatch(/Network: \S+ KiB sent, \S+ MiB received\./)

  expect(seen.exitCode).toBe(0)
  expect(seen.left).toEqual({ processes: [], machines: [] })
})
