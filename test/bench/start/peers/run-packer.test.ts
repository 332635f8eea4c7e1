import { describe, expect, it } from 'vitest'
import { aProgram } from './a-program.ts'
import { mark } from './mark.ts'
import { runPacker } from './run-packer.ts'

describe('a build of packer', () => {
  it('is timed until the login and until its command has spoken, not until its end', async () => {
    const { program, folder } = await aProgram(`
      sleep 0.2; echo '==> qemu: Connected to SSH!'
      sleep 0.2; echo '    qemu: ${mark}'
      sleep 1; echo 'it was ${mark}'`)
    const began = performance.now()
    const { ssh = 0, first_byte } = await runPacker({ program, template: 't.json', folder })
    expect(ssh).toBeGreaterThanOrEqual(0.2)
    expect(first_byte).toBeGreaterThanOrEqual(ssh + 0.15)
    expect(first_byte).toBeLessThan((performance.now() - began) / 1000 - 0.5)
  })

  it('that fails says what packer said', async () => {
    const { program, folder } = await aProgram(`echo '${mark}'; echo 'no such disk' >&2; exit 1`)
    const failing = runPacker({ program, template: 't.json', folder })
    await expect(failing).rejects.toThrow(/packer ended with 1: .*no such disk/s)
  })

  it('that runs no command is none', async () => {
    const { program, folder } = await aProgram('echo done')
    await expect(runPacker({ program, template: 't.json', folder })).rejects.toThrow(
      'packer ended with 0: done',
    )
  })
})
