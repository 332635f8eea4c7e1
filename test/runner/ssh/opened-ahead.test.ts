import type { ServerChannel } from 'ssh2'
import { describe, expect, it } from 'vitest'
import { exec } from '../../../runner/ssh/exec.ts'
import { closeAhead, isOpenedAhead, openAhead } from '../../../runner/ssh/opened-ahead.ts'
import { openClient } from './open-client.ts'
import { runCommand, startSshServer } from './ssh-server.ts'

const signal = new AbortController().signal
const waiting = 'read -r word; echo "the word: $word"; cat; echo no >&2; exit 5'
const ahead = { command: waiting, input: 'begin\nand more\n' }

/** A connection, and the commands and channels that came over it. */
async function open() {
  const commands: string[] = []
  const channels: ServerChannel[] = []
  const server = await startSshServer({
    onExec: (command, channel) => {
      commands.push(command)
      channels.push(channel)
      runCommand(command, channel)
    },
  })
  return { client: await openClient(server), commands, channels }
}

describe('a command that was opened ahead', () => {
  it('gets its input from one exec, which gets its output, its errors and its exit code', async () => {
    const { client, commands } = await open()
    await openAhead(client, waiting)
    expect(isOpenedAhead(client, waiting)).toBe(true)
    const { code, stdout, stderr } = await exec({ client, signal, command: 'echo other', ahead })
    expect({ code, stdout: String(stdout), stderr: String(stderr) }).toEqual({
      ...{ code: 5, stdout: 'the word: begin\nand more\n', stderr: 'no\n' },
    })
    expect(isOpenedAhead(client, waiting)).toBe(false)
    expect(String((await exec({ client, signal, command: 'echo other', ahead })).stdout)).toBe('other\n')
    expect(commands).toEqual([waiting, 'echo other'])
  })

  it('is for nobody who does not ask for just that', async () => {
    const { client, commands } = await open()
    await openAhead(client, waiting)
    await exec({ client, signal, command: 'cat', ahead: { command: 'read -r word', input: '' } })
    await exec({ client, signal, command: waiting })
    expect(commands).toEqual([waiting, 'cat', waiting])
    expect(isOpenedAhead(client, waiting)).toBe(true)
  })

  it('that was killed meanwhile is given to nobody', async () => {
    const { client, commands, channels } = await open()
    await openAhead(client, waiting)
    channels[0]?.close()
    // The server's answer to a command comes after what it said before.
    await exec({ client, command: 'true', signal })
    expect(isOpenedAhead(client, waiting)).toBe(false)
    expect(String((await exec({ client, signal, command: 'echo here', ahead })).stdout)).toBe('here\n')
    expect(commands).toEqual([waiting, 'true', 'echo here'])
  })

  it('ends with its input when it is needed no more', async () => {
    const { client, channels } = await open()
    await openAhead(client, waiting)
    const closed = new Promise((resolve) => channels[0]?.once('close', resolve))
    closeAhead(client)
    expect(isOpenedAhead(client, waiting)).toBe(false)
    await closed
  })
})
