import { once } from 'node:events'
import { createServer } from 'node:net'
import { readPage } from '../read-page.ts'
import { makeBaseImage } from './base-image.ts'
import type { Check } from './check.ts'
import { composeChecks } from './check-compose.ts'
import { imageChecks } from './check-image.ts'
import { startEngine } from './engine.ts'

/**
 * `npm run test:container`: builds the image and runs the installation of docker-compose.yml for real, and looks whether
 * each thing holds. With MAYFLY_CONTAINER_STORAGE=FOLDER images and build cache are kept there for the next time.
 */
const say = (line: string) => void process.stdout.write(`${line}\n`)
const port = await freePort()
const engine = await startEngine(process.env.MAYFLY_CONTAINER_STORAGE || undefined, port)
const counts = { passed: 0, failed: 0 }
try {
  await makeBaseImage(engine)
  for (const check of [
    ...imageChecks(engine),
    ...composeChecks(engine, port, await readPage('container.md')),
  ])
    await look(check)
} finally {
  await engine.close()
}
say(`${counts.passed} passed, ${counts.failed} failed`)
process.exitCode = counts.failed === 0 ? 0 : 1

async function look({ title, run }: Check): Promise<void> {
  const began = performance.now()
  const error: unknown = await run().then(
    () => undefined,
    (error: unknown) => error ?? new Error('failed'),
  )
  counts[error === undefined ? 'passed' : 'failed'] += 1
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  say(`${error === undefined ? '✔' : '✘'} ${title} (${seconds} s)`)
  if (error !== undefined) say(lastLines(error instanceof Error ? error.message : String(error)))
}

/** A build that fails has said thousands before. */
function lastLines(text: string): string {
  const lines = text.split('\n')
  return lines.length <= 60 ? text : [...lines.slice(0, 10), '…', ...lines.slice(-50)].join('\n')
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}
