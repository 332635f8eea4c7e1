import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { readTextFile } from '../../../config/yaml/read-text-file.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-config-'))
})

afterEach(() => rm(folder, { recursive: true }))

const read = (file: string) => readTextFile({ file, what: 'the pipeline file' })

describe('readTextFile', () => {
  it('gives the text of a file without its byte order mark', async () => {
    await writeFile(join(folder, 'a'), '\uFEFFsteps: ["ä"]\n')
    expect(await read(join(folder, 'a'))).toBe('steps: ["ä"]\n')
  })

  it('says that nothing is there', async () => {
    const file = join(folder, 'absent.yml')
    await expect(read(file)).rejects.toThrow(ConfigError)
    await expect(read(file)).rejects.toThrow(`expected the pipeline file at ${file}, found nothing`)
  })

  it('says that a folder is no file', async () => {
    await expect(read(folder)).rejects.toThrow(`expected the pipeline file at ${folder}, found a folder`)
  })

  it('says that a file has too many bytes', async () => {
    await writeFile(join(folder, 'big'), Buffer.alloc(2 ** 20 + 1, 'a'))
    await expect(read(join(folder, 'big'))).rejects.toThrow('to have at most 1MiB, found more')
  })

  it('ends also for a device that never does', async () => {
    await expect(read('/dev/zero')).rejects.toThrow('to have at most 1MiB, found more')
  })

  it('says that bytes are not UTF-8', async () => {
    await writeFile(join(folder, 'latin'), Buffer.from([0x61, 0xe4, 0x0a]))
    await expect(read(join(folder, 'latin'))).rejects.toThrow('to be UTF-8 text, found other bytes')
  })
})
