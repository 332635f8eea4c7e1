import { execa } from 'execa'
import type { StartFigures } from '../contender.ts'
import { mark } from './mark.ts'

type Testbed = {
  readonly program: string
  readonly args: readonly string[]
  /** For whatever it writes. */
  readonly folder: string
}

/**
 * Opens a testbed of a virtualisation server, runs one command in it and closes it; throws with the end of what the
 * server said where it fails.
 *
 * @see /usr/share/doc/autopkgtest/README.virtualisation-server.rst
 */
export async function openTestbed({ program, args, folder }: Testbed): Promise<StartFigures> {
  const began = performance.now()
  const server = execa(program, args, {
    env: { TMPDIR: folder },
    reject: false,
    timeout: 20 * 60_000,
    forceKillAfterDelay: 30_000,
  })
  const answers = server.iterable()
  const answer = async (): Promise<string> => {
    const { value } = await answers.next()
    if (typeof value === 'string' && /^ok(?: |$)/.test(value)) return value.slice(3)
    throw new Error(`expected ok of autopkgtest-virt-qemu, got ${value}`)
  }
  const ask = async (command: string) => {
    server.stdin.write(`${command}\n`)
    return await answer()
  }
  try {
    await answer()
    await ask('open')
    const [command = '', ...words] = (await ask('print-execute-command')).split(',').map(decodeURIComponent)
    const { stdout } = await execa(command, [...words, 'echo', mark], {
      stdin: 'ignore',
      timeout: 5 * 60_000,
    })
    const firstByte = (performance.now() - began) / 1000
    if (stdout !== mark) throw new Error(`expected ${mark} of the guest, got ${JSON.stringify(stdout)}`)
    // To which it has no answer.
    server.stdin.write('quit\n')
    await server
    return { first_byte: firstByte }
  } catch (cause) {
    server.kill()
    const { stderr } = await server
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${reason}: ${stderr.slice(-2000)}`, { cause })
  }
}
