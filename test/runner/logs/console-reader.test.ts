import { appendFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConsoleReader } from '../../../runner/logs/console-reader.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-console-'))
  file = join(folder, 'console.raw')
})
afterEach(() => rm(folder, { recursive: true }))

const collect = (reader: ConsoleReader) => {
  const heard = { text: '', stop: () => {} }
  heard.stop = reader.listen((chunk) => {
    heard.text += chunk.toString('latin1')
  })
  return heard
}

describe('ConsoleReader', () => {
  it('AC44: has the whole boot although nobody was attached while it was printed', async () => {
    writeFileSync(file, 'BIOS\nLinux version 6.1\n')
    const reader = new ConsoleReader({ file, interval: 5 })
    const heard = collect(reader)
    await reader.close()
    expect(heard.text).toBe('BIOS\nLinux version 6.1\n')
  })

  it('waits for a file that is not there yet', async () => {
    const reader = new ConsoleReader({ file, interval: 5 })
    const heard = collect(reader)
    await new Promise((resolve) => setTimeout(resolve, 20))
    writeFileSync(file, 'late')
    await vi.waitFor(() => expect(heard.text).toBe('late'))
    await reader.close()
  })

  it('AC43: gives every listener every byte once and in order, however late it comes', async () => {
    const reader = new ConsoleReader({ file, interval: 1 })
    const listeners = []
    let written = ''
    for (let i = 0; i < 60; i++) {
      const text = `${i}:${'z'.repeat(i * 97)}\n`
      appendFileSync(file, text)
      written += text
      if (i % 6 === 0) listeners.push(collect(reader))
      if (i % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await reader.close()
    expect(listeners).toHaveLength(10)
    for (const { text } of listeners) expect(text).toBe(written)
  })

  it('gives one listener the same history that another has already had', async () => {
    writeFileSync(file, 'history\n')
    const reader = new ConsoleReader({ file, interval: 5 })
    const first = collect(reader)
    await vi.waitFor(() => expect(first.text).toBe('history\n'))
    const second = collect(reader)
    appendFileSync(file, 'news\n')
    await vi.waitFor(() => expect(second.text).toBe('history\nnews\n'))
    expect(first.text).toBe('history\nnews\n')
    await reader.close()
  })

  it('says nothing more to a listener that has gone', async () => {
    writeFileSync(file, 'a')
    const reader = new ConsoleReader({ file, interval: 5 })
    const heard = collect(reader)
    await vi.waitFor(() => expect(heard.text).toBe('a'))
    heard.stop()
    appendFileSync(file, 'b')
    await reader.close()
    expect(heard.text).toBe('a')
  })

  it('keeps serving the others when one listener throws', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    writeFileSync(file, 'a')
    const reader = new ConsoleReader({ file, interval: 5 })
    reader.listen(() => {
      throw new Error('bad listener')
    })
    const heard = collect(reader)
    await reader.close()
    await vi.waitFor(() => expect(warnings.map(({ message }) => message).join()).toContain('bad listener'))
    process.off('warning', onWarning)
    expect(heard.text).toBe('a')
  })

  it('empties the file beyond the limit, says so, and goes on', async () => {
    const reader = new ConsoleReader({ file, limit: 1000, interval: 5 })
    const heard = collect(reader)
    appendFileSync(file, 'x'.repeat(2000))
    await vi.waitFor(async () => expect((await stat(file)).size).toBe(0))
    appendFileSync(file, 'after\n')
    await vi.waitFor(() => expect(heard.text).toContain('after\n'))
    expect(heard.text).toMatch(/^x{2000}\n\[mayfly\] the console went beyond 1000 B: .*\nafter\n$/)
    const late = collect(reader)
    await vi.waitFor(() => expect(late.text).toMatch(/^\n\[mayfly\] .*\nafter\n$/))
    await reader.close()
  })

  it('AC45: gives the last lines cleaned, the prompt without line break among them', async () => {
    writeFileSync(
      file,
      Buffer.concat([
        Buffer.from('one\r\n\u001b[31mtw\ro\u001b[0m\r\n'),
        Buffer.from([0xff, 10]),
        Buffer.from('login: '),
      ]),
    )
    const reader = new ConsoleReader({ file, interval: 5 })
    await reader.close()
    expect(reader.tail(3)).toEqual(['two', '\ufffd', 'login: '])
    expect(reader.tail(0)).toEqual([])
    expect(reader.tail(99)[0]).toBe('one')
  })
})
