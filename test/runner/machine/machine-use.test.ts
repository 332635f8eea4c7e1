import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMeter } from '../../../runner/machine/machine-use.ts'

const MiB = 2 ** 20

/** A real process that takes what it is told to take, in the place of QEMU. */
async function startProcess() {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'use-child.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const tell = async (line: string) => {
    child.stdin.write(`${line}\n`)
    await once(child.stdout, 'data')
  }
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  await tell('begin')
  return { child, tell, exited, pid: child.pid ?? 0 }
}

const never = new Promise<never>(() => undefined)
const qmpThat = (execute: () => Promise<unknown>) => () => ({ execute })
const stats = (device: string, read: number, written: number) => ({
  device,
  stats: { rd_bytes: read, wr_bytes: written, rd_operations: 1 },
})

describe('what a machine takes', () => {
  it('is the processor time and the memory of its process, as the kernel counts them', async () => {
    const { tell, pid } = await startProcess()
    const read = createMeter({ qemu: { pid, exited: never }, qmp: () => undefined, traffic: undefined })
    const before = await read()
    await tell('compute 200')
    await tell(`hold ${64 * MiB}`)
    const during = await read()
    await tell('drop')
    const after = await read()
    if (before === undefined || during === undefined || after === undefined)
      throw new Error('expected numbers')
    expect(during.cpuMs - before.cpuMs).toBeGreaterThanOrEqual(180)
    expect(during.cpuMs - before.cpuMs).toBeLessThan(2_000)
    expect(during.memory - before.memory).toBeGreaterThan(60 * MiB)
    expect(after.memoryPeak).toBeGreaterThanOrEqual(during.memory)
    expect(after).toMatchObject({ diskRead: 0, diskWritten: 0, netSent: undefined, netReceived: undefined })
  })

  it('is of its disk what QEMU counts for the guest, and not for its seed CD', async () => {
    const qmp = qmpThat(async () => [stats('cd0', 7, 0), stats('d0', 4096, 512)])
    const read = createMeter({
      ...{ qemu: { pid: process.pid, exited: never }, qmp },
      traffic: undefined,
    })
    expect(await read()).toMatchObject({ diskRead: 4096, diskWritten: 512 })
  })

  it('is of the network what went over its proxy', async () => {
    const to = (bytesSent: number, bytesReceived: number) => ({
      ...{ host: 'h', port: 443, requests: 1, bytesSent, bytesReceived },
      ...{ refused: undefined, outsideAllowList: false },
    })
    const read = createMeter({
      qemu: { pid: process.pid, exited: never },
      qmp: () => undefined,
      traffic: () => [to(10, 2000), to(5, 300)],
    })
    expect(await read()).toMatchObject({ netSent: 15, netReceived: 2300 })
  })

  it('is of the network what went through its own, where it has one', async () => {
    const own = { netSent: 70, netReceived: 900 }
    const answers = [undefined, own]
    const read = createMeter({
      ...{ qemu: { pid: process.pid, exited: never }, qmp: () => undefined, traffic: undefined },
      ownTraffic: async () => answers.shift(),
    })
    expect(await read()).toMatchObject({ netSent: undefined, netReceived: undefined })
    expect(await read()).toMatchObject(own)
  })

  it('is of its disk the last word of a QEMU that answers no more, which is asked once only', async () => {
    let asked = 0
    let answers = true
    const qmp = qmpThat(() => {
      asked++
      return answers ? Promise.resolve([stats('d0', 10, 20)]) : never
    })
    const read = createMeter({
      ...{ qemu: { pid: process.pid, exited: never }, qmp },
      traffic: undefined,
    })
    await read()
    answers = false
    const started = performance.now()
    expect(await read()).toMatchObject({ diskRead: 10, diskWritten: 20 })
    expect(await read()).toMatchObject({ diskRead: 10, diskWritten: 20 })
    expect(performance.now() - started).toBeLessThan(3_000)
    expect(asked).toBe(2)
  })

  it.each([
    ['refuses', () => Promise.reject(new Error('the connection is closed'))],
    ['says something else', () => Promise.resolve({ odd: true })],
  ])('is known but for its disk where QEMU %s', async (_what, execute) => {
    const read = createMeter({
      ...{ qemu: { pid: process.pid, exited: never }, qmp: qmpThat(execute) },
      traffic: undefined,
    })
    expect(await read()).toMatchObject({ diskRead: 0, diskWritten: 0 })
  })

  it('is not known of one that has ended, whoever has its number now', async () => {
    const { child, exited, pid } = await startProcess()
    const read = createMeter({
      ...{ qemu: { pid, exited: never }, qmp: () => undefined },
      traffic: undefined,
    })
    child.kill('SIGKILL')
    await exited
    expect(await read()).toBeUndefined()
    const gone = Promise.resolve({ code: 0, signal: undefined, stderr: '' })
    const other = createMeter({
      ...{ qemu: { pid: process.pid, exited: gone }, qmp: () => undefined },
      traffic: undefined,
    })
    expect(await other()).toBeUndefined()
  })
})
