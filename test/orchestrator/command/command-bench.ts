import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { execa } from 'execa'
import { expect } from 'vitest'
import { packageRoot } from '../../../images/package-root.ts'
import { expectNoStackTrace } from '../../expect-no-stack-trace.ts'
import { type Bench, createBench } from '../../machine/mayfly.ts'

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const mainFile = join(packageRoot(), 'orchestrator', 'command', 'main.ts')
const fromSource = [process.execPath, '--import', loader, mainFile] as const

/** A bench with an empty shelf, whose command runs from source: for what ends before any machine starts. */
export function createCommandBench(options: { data?: string } = {}): Promise<Bench> {
  return createBench({ ...options, command: fromSource, withImage: false })
}

/** A disk with nothing on it but a boot sector's mark, and the host file that names it as image `tiny`. */
export async function addTinyImage({ work }: Pick<Bench, 'work'>): Promise<string> {
  const [raw, disk] = [join(work, 'tiny.raw'), join(work, 'tiny.qcow2')]
  const sectors = Buffer.alloc(2 ** 20)
  sectors.writeUInt16BE(0x55aa, 510)
  await writeFile(raw, sectors)
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, disk])
  return `
default_image: tiny
images:
  tiny: { path: ${disk}, format: qcow2, user: ci }
`
}

type Refusal = {
  readonly run: { readonly code: number | undefined; readonly output: string }
  readonly code: 2 | 3
  /** Parts of what is said: the thing, and the way out. */
  readonly says: readonly string[]
}

/** The right exit code and words that a person can use, never a stack trace. */
export function expectRefusal({ run, code, says }: Refusal): void {
  for (const text of says) expect(run.output).toContain(text)
  expect(run.output).toMatch(/hint: \S/)
  expectNoStackTrace(run.output)
  expect(run.code).toBe(code)
}
