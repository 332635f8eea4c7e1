import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openWayIn } from '../../../runner/own-network/open-way-in.ts'
import { readOwnTraffic } from '../../../runner/own-network/read-own-traffic.ts'
import { ownAddress, withOwnNetwork } from '../../../runner/own-network/with-own-network.ts'
import { eventually } from '../../eventually.ts'

const MiB = 2 ** 20

/** Sends a mebibyte to whoever comes in; for each line on its input 30,000 bytes to slirp4netns, which drops them. */
const inside = `import socket,sys,threading
s=socket.socket(); s.bind(('${ownAddress}',0)); s.listen(); print(s.getsockname()[1],flush=True)
def serve():
    while True: c,_=s.accept(); c.sendall(b'x'*${MiB}); c.close()
threading.Thread(target=serve,daemon=True).start()
u=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)
for _ in sys.stdin: u.sendto(b'x'*30000,('198.18.0.2',9))`

describe('the traffic of a network of its own', () => {
  it('is what its command sent, and not what was asked of it from this host', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-own-traffic-'))
    const [program = '', ...args] = withOwnNetwork(folder, ['python3', '-c', inside])
    const child = execa(program, args, { reject: false, timeout: 60_000 })
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await child
      await rm(folder, { recursive: true, force: true })
    })
    const pid = child.pid ?? 0
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
    const before = await readOwnTraffic(pid)
    const wayIn = { socket: join(folder, 'net.sock'), port: Number(chunk.toString()) }
    const port = await openWayIn({ ...wayIn, signal: new AbortController().signal })
    let heard = 0
    for await (const data of connect(port, '127.0.0.1')) heard += (data as Buffer).length
    expect(heard).toBe(MiB)
    const after = await readOwnTraffic(pid)
    if (before === undefined || after === undefined) throw new Error('expected numbers')
    expect(after.netSent - before.netSent).toBeLessThan(10_000)
    child.stdin.write('one\n')
    await eventually('what it sent', async () => {
      const { netSent = 0 } = (await readOwnTraffic(pid)) ?? {}
      return netSent - after.netSent >= 30_000 ? true : undefined
    })
  })

  it('is not known of a process that has no such network, or is gone', async () => {
    expect(await readOwnTraffic(process.pid)).toBeUndefined()
    expect(await readOwnTraffic(2 ** 30)).toBeUndefined()
  })
})
