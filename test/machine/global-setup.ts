import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { TestProject } from 'vitest/node'
import { debianLocalBuilder } from '../../images/build-debian-local.ts'
import { packageRoot } from '../../images/package-root.ts'
import { openShelf } from '../../images/shelf.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The data folder whose `images/` and `templates/` all machine tests share. */
    readonly sharedData: string
  }
}

let made: string | undefined

/** One build of the command and one image for all tests that boot machines; the first of them makes the template. */
export async function setup(project: TestProject): Promise<void> {
  const given = process.env.MAYFLY_DATA
  made = given === undefined ? await mkdtemp(join(tmpdir(), 'mayfly-test-')) : undefined
  const dataFolder = given ?? made ?? ''
  await execa('npm', ['run', '--silent', 'build'], { cwd: packageRoot() })
  // As scripts/set-up marks it, so that the test of the quickstart does not build again under the other tests.
  await writeFile(join(packageRoot(), 'dist', '.built'), '')
  const shelf = openShelf({ dataFolder, builders: { 'debian-12-local': debianLocalBuilder() } })
  await shelf.ensure('debian-12-local', { signal: new AbortController().signal })
  await mkdir(join(dataFolder, 'templates'), { recursive: true, mode: 0o700 })
  project.provide('sharedData', dataFolder)
}

export async function teardown(): Promise<void> {
  if (made !== undefined) await rm(made, { recursive: true, force: true })
}
