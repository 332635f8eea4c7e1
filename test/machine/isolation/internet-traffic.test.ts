import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import { makeDataFolder, removeDataFolder } from '../acceptance/boot.ts'
import { answerBytes } from './public-server.ts'

type Ran = { exitCode: number; tail: string; record: JobRecord; served: number }

let found: { ended: Ran; killed: Ran }
let data: string
let folder: string

beforeAll(async () => {
  data = await makeDataFolder()
  folder = await mkdtemp(join(tmpdir(), 'mayfly-traffic-'))
  const work = join(folder, 'work')
  await mkdir(work)
  const here = import.meta.dirname
  const child = [process.execPath, '--import', 'tsx', join(here, 'internet-traffic-child.ts'), data, work]
  const { stdout } = await execa('sh', [join(here, 'world'), folder, ...child])
  found = JSON.parse(stdout)
})

afterAll(async () => {
  await removeDataFolder(data)
  await rm(folder, { recursive: true, force: true })
})

describe('a job with network: internet', () => {
  it('has on its record what it sent and received, without what Mayfly itself sent to the machine and heard of it', () => {
    const { record, served } = found.ended
    expect(record).toMatchObject({ verdict: 'passed', egress: [] })
    expect(served).toBe(6)
    const { netReceived = 0, netSent = 0 } = record.use ?? {}
    expect(netReceived).toBeGreaterThan(served * answerBytes)
    expect(netReceived).toBeLessThan(served * answerBytes * 1.2)
    // Requests and acknowledgements; its output alone was 2 MB.
    expect(netSent).toBeGreaterThan(served * 100)
    expect(netSent).toBeLessThan(200_000)
  })

  it('took it in the step that did it', () => {
    const [talks, fetches] = found.ended.record.steps
    expect(talks?.use?.netReceived).toBeLessThan(answerBytes / 10)
    expect(fetches?.use?.netReceived).toBeGreaterThan(5 * answerBytes)
  })

  it('is told at the end of its run', () => {
    expect(found.ended.tail).toMatch(/network: \S+ KiB sent, \S+ KiB received/)
  })

  it('keeps what was counted last where its machine died by itself', () => {
    const { record, tail } = found.killed
    expect(record).toMatchObject({ verdict: 'errored' })
    const { netReceived = 0 } = record.use ?? {}
    // The fetch before the last was more than a sample ago.
    expect(netReceived).toBeGreaterThan(3 * answerBytes)
    expect(netReceived).toBeLessThan(10 * answerBytes)
    expect(tail).toContain('network: ')
  })
})
