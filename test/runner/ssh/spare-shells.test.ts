import type { ServerChannel } from 'ssh2'
import { describe, expect, it } from 'vitest'
import { exec } from '../../../runner/ssh/exec.ts'
import { openSpareShells } from '../../../runner/ssh/spare-shells.ts'
import { openClient } from './open-client.ts'
import { runCommand, startSshServer } from './ssh-server.ts'

const signal = new AbortController().signal

/** A connection with spare shells, and the commands and channels that came over it. */
async function withShells(count: number) {
  const commands: string[] = []
  const channels: ServerChannel[] = []
  const server = await startSshServer({
    onExec: (command, channel) => {
      commands.push(command)
      channels.push(channel)
      runCommand(command, channel)
    },
  })
  const client = await openClient(server)
  await openSpareShells(client, count)
  return { client, commands, channels }
}

describe('a shell that was opened ahead', () => {
  it('runs one command, with its output, its errors and its exit code', async () => {
    const { client, commands } = await withShells(1)
    const { code, stdout, stderr } = await exec({
      ...{ client, signal },
      command: `printf '%s ' "a  b" && echo "it's" && cat; echo no >&2; exit 5`,
    })
    expect({ code, stdout: String(stdout), stderr: String(stderr) }).toEqual({
      ...{ code: 5, stdout: "a  b it's\n", stderr: 'no\n' },
    })
    expect(commands).toEqual(['exec sh'])
    expect(String((await exec({ client, command: 'echo next', signal })).stdout)).toBe('next\n')
    expect(commands).toEqual(['exec sh', 'echo next'])
  })

  it('is not for a command that has an input of its own', async () => {
    const { client, commands } = await withShells(1)
    const { stdout } = await exec({ client, command: 'cat', input: 'mine', signal })
    expect(String(stdout)).toBe('mine')
    expect(commands).toEqual(['exec sh', 'cat'])
  })

  it('that was killed meanwhile is given to nobody', async () => {
    const { client, commands, channels } = await withShells(2)
    channels[0]?.close()
    // The server's answer to a command comes after what it said before.
    await exec({ client, command: 'cat', input: '', signal })
    const seen = { client, command: 'echo here', signal }
    for (const count of [2, 3]) {
      expect(String((await exec(seen)).stdout)).toBe('here\n')
      expect(commands.filter((command) => command !== 'cat')).toHaveLength(count)
    }
  })
})
