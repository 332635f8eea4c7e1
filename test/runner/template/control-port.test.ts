import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { ControlPort } from '../../../runner/template/control-port.ts'

const signal = new AbortController().signal

/** A guest that answers each line with what `reply` makes of it, in pieces of a few bytes; `undefined` hangs up. */
async function portTo(reply: (line: string) => string | undefined): Promise<ControlPort> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-port-'))
  const path = join(folder, 'sock')
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const answer = reply(text.slice(0, end))
        text = text.slice(end + 1)
        if (answer === undefined) socket.destroy()
        else for (const piece of answer.match(/.{1,3}/gs) ?? []) socket.write(piece)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const port = await ControlPort.open(path)
  onTestFinished(async () => {
    port.close()
    server.close()
    await rm(folder, { recursive: true })
  })
  return port
}

const arm = { do: 'arm', user: 'ci', id: 'm-1' } as const

describe('the control port of a template', () => {
  it('asks one thing after the other, each a line of JSON', async () => {
    const heard: unknown[] = []
    const port = await portTo((line) => {
      heard.push(JSON.parse(line))
      return '{"ok": true}\n'
    })
    await port.ask(arm, signal)
    await port.ask({ ...arm, user: 'root' }, signal)
    expect(heard).toEqual([arm, { ...arm, user: 'root' }])
  })

  it('says why the guest said no', async () => {
    const port = await portTo(() => '{"ok": false, "why": "somebody is still logged in"}\n')
    await expect(port.ask(arm, signal)).rejects.toThrow(
      'the guest could not arm its template: somebody is still logged in',
    )
  })

  it.each([
    ['no JSON', 'login:\n'],
    ['another shape', '{"OK": 1}\n'],
    ['null', 'null\n'],
  ])('takes %s for a no', async (_what, answer) => {
    const port = await portTo(() => answer)
    await expect(port.ask(arm, signal)).rejects.toThrow(InfraError)
  })

  it('gives up a guest that hangs up, and one that never ends its line', async () => {
    const gone = await portTo(() => undefined)
    await expect(gone.ask(arm, signal)).rejects.toThrow('expected an answer on the control port')
    const endless = await portTo(() => 'x'.repeat(70_000))
    await expect(endless.ask(arm, signal)).rejects.toThrow('expected an answer on the control port')
  })

  it('ends with the reason of the abort', async () => {
    const port = await portTo(() => '')
    const stop = new AbortController()
    const asked = port.ask(arm, stop.signal)
    stop.abort(new Error('cancelled'))
    await expect(asked).rejects.toThrow('cancelled')
  })
})
