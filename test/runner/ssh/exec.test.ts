import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerChannel } from 'ssh2'
import { describe, expect, it } from 'vitest'
import { exec } from '../../../runner/ssh/exec.ts'
import { openClient } from './open-client.ts'
import { startRelay } from './relay.ts'
import { startSshServer } from './ssh-server.ts'

const signal = new AbortController().signal

async function clientOf(onExec?: (command: string, channel: ServerChannel) => void) {
  return await openClient(await startSshServer(onExec === undefined ? {} : { onExec }))
}

describe('exec', () => {
  it('gives exit code and both streams of a command', async () => {
    const client = await clientOf()
    const outcome = await exec({ client, command: 'echo out; echo err >&2; exit 3', signal })
    expect({ ...outcome, stdout: String(outcome.stdout), stderr: String(outcome.stderr) }).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    })
  })

  it('has the exit code of a command that is over before anybody could ask', async () => {
    const client = await clientOf((_command, channel) => {
      channel.exit(7)
      channel.end('said')
    })
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () =>
        exec({ client, command: 'anything', signal: new AbortController().signal }),
      ),
    )
    expect(new Set(outcomes.map(({ code, stdout }) => `${code} ${stdout}`))).toEqual(new Set(['7 said']))
  })

  it('gives the command its input and closes it', async () => {
    const client = await clientOf()
    const input = 'secret on standard input\n'.repeat(5000)
    const { stdout } = await exec({ client, command: 'cat', input, signal })
    expect(stdout.toString()).toBe(input)
  })

  it('gives no code where the channel closed without one, which is never a success', async () => {
    const client = await clientOf((_, channel) => {
      channel.write('half')
      channel.close()
    })
    const outcome = await exec({ client, command: 'any', signal })
    expect(outcome.code).toBeUndefined()
    expect(outcome.stdout.toString()).toBe('half')
  })

  it('gives no code where a signal ended the command', async () => {
    const client = await clientOf((_, channel) => {
      channel.exit('KILL')
      channel.close()
    })
    expect((await exec({ client, command: 'any', signal })).code).toBeUndefined()
  })

  it('hands every byte over once and in order, and waits for a slow reader', async () => {
    const client = await clientOf()
    let text = ''
    let busy = 0
    const onStdout = async (chunk: Buffer) => {
      expect(++busy).toBe(1)
      await sleep(1)
      text += chunk.toString()
      busy--
    }
    const { code, stdout } = await exec({ client, command: 'seq 1 40000', signal, onStdout })
    expect(code).toBe(0)
    expect(text).toBe(Array.from({ length: 40_000 }, (_, index) => `${index + 1}\n`).join(''))
    expect(stdout).toHaveLength(0)
  })

  it('rejects what goes beyond the bytes it may collect', async () => {
    const client = await clientOf()
    const command = 'head -c 100000 /dev/zero'
    await expect(exec({ client, command, signal, maxOutput: 1000 })).rejects.toThrow(
      'expected at most 1000 bytes of output, got more',
    )
  })

  it('passes on what the reader throws', async () => {
    const client = await clientOf()
    const onStdout = () => {
      throw new Error('the disk is full')
    }
    await expect(exec({ client, command: 'echo x', signal, onStdout })).rejects.toThrow('the disk is full')
  })

  it('rejects with the abort’s reason at once, even of a guest that hangs', async () => {
    const server = await startSshServer()
    const relay = await startRelay(server.port)
    const client = await openClient({ port: relay.port, login: server.login })
    const stop = new AbortController()
    const running = exec({ client, command: 'sleep 60', signal: stop.signal })
    await sleep(50)
    relay.freeze()
    const started = performance.now()
    stop.abort(new Error('cancelled'))
    await expect(running).rejects.toThrow('cancelled')
    expect(performance.now() - started).toBeLessThan(1000)
  })

  it('hands nothing over any more once it was aborted', async () => {
    let send: (text: string) => void = () => undefined
    const client = await clientOf((_, channel) => {
      send = (text) => channel.write(text)
      send('before')
    })
    const stop = new AbortController()
    const seen: string[] = []
    const onStdout = (chunk: Buffer) => void seen.push(chunk.toString())
    const running = exec({ client, command: 'any', signal: stop.signal, onStdout })
    running.catch(() => undefined)
    await expect.poll(() => seen).toEqual(['before'])
    send('after')
    stop.abort(new Error('cancelled'))
    await expect(running).rejects.toThrow('cancelled')
    await sleep(50)
    expect(seen).toEqual(['before'])
  })

  it('ends without a code when the connection breaks under a command', async () => {
    const server = await startSshServer({ onExec: () => undefined })
    const client = await openClient(server)
    const running = exec({ client, command: 'sleep 60', signal }).catch((error: Error) => error.message)
    await sleep(50)
    server.drop()
    expect(await running).toMatchObject({ code: undefined })
  })

  it('rejects on a connection that is closed', async () => {
    const server = await startSshServer()
    const client = await openClient(server)
    client.destroy()
    await expect(exec({ client, command: 'true', signal })).rejects.toThrow('Not connected')
  })
})
