import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readMachineRecord } from '../../../runner/machine/machine-record.ts'
import { expectNothingLeft, qemuProcesses } from '../mayfly.ts'
import { makeDataFolder, removeDataFolder, startBoot } from './boot.ts'
import { listeningOn } from './process-sockets.ts'

let data: string

beforeAll(async () => {
  data = await makeDataFolder()
})
afterAll(() => removeDataFolder(data))

describe('eight machines at once', () => {
  it('AC40, AC41: have eight ports of 127.0.0.1, and are gone as soon as they are called off', async () => {
    const enough = new AbortController()
    const small = { cpus: 1, memory: 256 * 2 ** 20, disk: 0 }
    const boots = await Promise.all(
      Array.from({ length: 8 }, () => startBoot({ data, resources: small, signal: enough.signal })),
    )
    await vi.waitFor(() => expect(boots.map(({ gates }) => gates[0])).toEqual(Array(8).fill('qmp')), {
      timeout: 60_000,
      interval: 100,
    })
    const records = await Promise.all(boots.map(({ paths }) => readMachineRecord(paths.record)))
    const pids = records.map((record) => record?.qemu?.pid ?? 0)
    expect((await qemuProcesses(data)).map(({ pid }) => pid).sort()).toEqual([...pids].sort())
    const ports = (await Promise.all(pids.map(listeningOn))).map((addresses) => {
      expect(addresses).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)])
      return Number(addresses[0]?.split(':')[1])
    })
    expect(new Set(ports).size).toBe(8)
    for (const port of ports) {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.destroy()
    }
    enough.abort(new Error('called off'))
    for (const { ready } of boots) await expect(ready).rejects.toThrow('called off')
    for (const pid of pids) await expect(readFile(`/proc/${pid}/stat`)).rejects.toThrow(/ENOENT|ESRCH/)
    await expectNothingLeft({ data })
  })
})
