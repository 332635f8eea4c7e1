import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { connectQmp } from '../../../runner/qemu/connect-qmp.ts'
import { forwardedPort, readForwardedPort } from '../../../runner/qemu/forwarded-port.ts'
import { startQemu } from './real-qemu.ts'

// As QEMU 7.2.22 printed it, with a connection under way.
const head =
  'Hub -1 (n0):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n'
const row = '  TCP[HOST_FORWARD]   8       127.0.0.1 39151       10.0.2.15    22     0     0\r\n'
const captured = `${head}  TCP[ESTABLISHED]  12       127.0.0.1 39151       10.0.2.15    22     0     0\r\n${row}`

describe('forwardedPort', () => {
  it('finds the port that the kernel picked among the rows of QEMU 7.2', () => {
    expect(forwardedPort(captured)).toBe(39_151)
  })

  it('passes over forwards to other ports of the guest', () => {
    expect(forwardedPort(`${captured}${row.replace('39151', '40000').replace(' 22 ', ' 80 ')}`)).toBe(39_151)
  })

  it.each([
    ['there is no forward', head],
    ['nothing was printed', ''],
    ['it listens on every address', `${head}${row.replace('127.0.0.1', '0.0.0.0')}`],
    ['there are two', `${head}${row}${row}`],
    ['the port is zero', `${head}${row.replace('39151', '0')}`],
    ['the port is none', `${head}${row.replace('39151', '99999')}`],
  ])('fails with the text when %s', (_, text) => {
    expect(() => forwardedPort(text)).toThrow(InfraError)
  })

  it('AC40, AC41: differs for eight machines that start at once, each on loopback', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mayfly-port-'))
    const machines = Array.from({ length: 8 }, (_, index) => {
      const path = join(folder, `${index}.sock`)
      const user = 'user,id=n0,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22'
      const small = ['-S', '-M', 'pc', '-m', '16M', '-nodefaults', '-display', 'none']
      const network = ['-netdev', user, '-device', 'virtio-net-pci,netdev=n0,romfile=']
      return { path, qemu: startQemu([...small, ...network, '-qmp', `unix:${path},server=on,wait=off`]) }
    })
    try {
      const ports = await Promise.all(
        machines.map(async ({ path }) => {
          const signal = new AbortController().signal
          const qmp = await connectQmp({ path, signal, deadline: Date.now() + 20_000 })
          const port = await readForwardedPort(qmp)
          qmp.close()
          return port
        }),
      )
      expect(new Set(ports).size).toBe(8)
      for (const port of ports) {
        const socket = connect(port, '127.0.0.1')
        await once(socket, 'connect')
        socket.destroy()
      }
    } finally {
      await Promise.all(machines.map(({ qemu }) => qemu.stop()))
      rmSync(folder, { recursive: true })
    }
  })
})
