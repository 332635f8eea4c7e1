import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { aProgram } from './a-program.ts'
import { openTestbed } from './open-testbed.ts'

/** Speaks as autopkgtest's servers do; the auxiliary command is `env`, with an argument that has to be unquoted. */
const server = (onOpen: string) => `
echo ok
while read -r line; do
  case $line in
    open) ${onOpen} ;;
    print-execute-command) echo 'ok /usr/bin/env,A%20B=1' ;;
    quit) touch "$TMPDIR/quit"; exit 0 ;;
  esac
done`

describe('a testbed of autopkgtest', () => {
  it('is timed until the command that it is asked to run has spoken, and is closed', async () => {
    const { program, folder } = await aProgram(server("sleep 0.3; echo 'ok /tmp/x'"))
    const { first_byte } = await openTestbed({ program, args: ['disk'], folder })
    expect(first_byte).toBeGreaterThanOrEqual(0.3)
    expect(existsSync(join(folder, 'quit'))).toBe(true)
  })

  it('that does not open says what its server said', async () => {
    const { program, folder } = await aProgram(server("echo 'timed out on login' >&2; exit 16"))
    const failing = openTestbed({ program, args: ['disk'], folder })
    await expect(failing).rejects.toThrow(/expected ok .*, got undefined: timed out on login/)
  })

  it('that refuses leaves no server behind', async () => {
    const { program, folder } = await aProgram(server('echo "failed $$"'))
    const error = await openTestbed({ program, args: ['disk'], folder }).catch((cause: unknown) => cause)
    const pid = /got failed (\d+)/.exec(String(error))?.[1]
    expect(pid).toBeDefined()
    expect(existsSync(`/proc/${pid}`)).toBe(false)
  })
})
