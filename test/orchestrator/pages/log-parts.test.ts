import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { JobLog } from '../../../orchestrator/http/logs/job-log.ts'
import { countLines, readLines } from '../../../orchestrator/pages/log-lines.ts'
import { readTimeline } from '../../../orchestrator/pages/read-timeline.ts'
import { folderFiles } from '../../../runner/job/folder-files.ts'
import { lineAt } from '../../../runner/logs/line-at.ts'
import { LogFile } from '../../../runner/logs/log-file.ts'

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-pages-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function aLog(content: Buffer): Promise<JobLog> {
  const folder = await aFolder()
  const file = await LogFile.open({ folder, name: 'log' })
  await file.append(content, 0)
  await file.close()
  return { files: folderFiles(folder), name: 'log' }
}

describe('readLines', () => {
  it('gives any window of any bytes, and the offset at which it ends', async () => {
    const line = fc
      .uint8Array({ maxLength: 6 })
      .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10)))
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 600 }),
        fc.nat(650),
        fc.nat(20),
        async (lines, from, more) => {
          const log = await aLog(Buffer.concat(lines.map((one) => Buffer.concat([one, Buffer.from('\n')]))))
          const window = await readLines(log, from + 1, more + 1)
          const shown = lines.slice(from, from + more + 1)
          expect(window.lines.map(({ number }) => number)).toEqual(shown.map((_, index) => from + 1 + index))
          if (shown.length === 0) return
          expect(window.end).toBe(
            lines.slice(0, from + more + 1).reduce((sum, one) => sum + one.length + 1, 0),
          )
          expect(window.more).toBe(from + more + 1 < lines.length)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('keeps colours as classes, marks our own lines, cuts what is too long', async () => {
    const log = await aLog(
      Buffer.from(`[mayfly] boot\n\u001b[32mgreen\u001b[0m <b>\n${'x'.repeat(20_000)}\nlast`),
    )
    const { lines, more } = await readLines(log, 1, 10)
    expect(lines.map(({ ours }) => ours)).toEqual([true, false, false, false])
    expect(lines[1]?.html).toBe('<span class="ansi-green-fg">green</span> &lt;b&gt;')
    expect(lines[2]?.html).toMatch(/^x{8000} \(cut: 20000 characters\)$/)
    expect([lines[3]?.html, more]).toEqual(['last', false])
  })

  it('is empty for a log that is not there', async () => {
    const folder = await aFolder()
    const log = { files: folderFiles(folder), name: 'log' }
    expect(await readLines(log, 1, 10)).toEqual({ lines: [], end: 0, more: false })
    expect(await countLines(log)).toBe(0)
    expect(await lineAt(log, 10)).toBe(1)
  })
})

describe('lineAt', () => {
  it('finds the line of any byte, and countLines the last of them', async () => {
    const lines = Array.from({ length: 1500 }, (_, index) => `${'.'.repeat(index % 7)}\n`)
    const log = await aLog(Buffer.from(lines.join('')))
    expect(await countLines(log)).toBe(1500)
    let offset = 0
    for (const [index, line] of lines.entries()) {
      if (index % 37 === 0 || index % 256 < 2) {
        expect(await lineAt(log, offset)).toBe(index + 1)
        expect(await lineAt(log, offset + line.length - 1)).toBe(index + 1)
      }
      offset += line.length
    }
  })
})

describe('readTimeline', () => {
  it('reads a running job whose last line is half written', async () => {
    const folder = await aFolder()
    const events = [
      { type: 'phase-ended', phase: 'boot', ms: 1200, at: 1200 },
      { type: 'step-started', index: 0, name: 'one', offset: 0, at: 1300 },
    ].map((event) => JSON.stringify(event))
    await writeFile(
      join(folder, 'timeline.jsonl'),
      `${events.join('\n')}\n{"type":"step-ended","index":0,"na`,
    )
    const timeline = await readTimeline(folderFiles(folder))
    expect(timeline.phases).toEqual([{ phase: 'boot', ms: 1200 }])
    expect(timeline.steps).toMatchObject([{ name: 'one', status: 'running' }])
  })

  it('is empty for a job that has not begun', async () => {
    expect(await readTimeline(folderFiles(await aFolder()))).toMatchObject({
      phases: [],
      steps: [],
      artifacts: [],
    })
  })
})
