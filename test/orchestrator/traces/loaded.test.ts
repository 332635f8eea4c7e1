import { execa } from 'execa'
import { expect, it } from 'vitest'
import { packageRoot } from '../../../images/package-root.ts'

/** Prints the files of OpenTelemetry's exporter that a process has loaded once a server could start in it. */
const script = `
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
await import('./orchestrator/serve/serve.ts')
const loaded = () => Object.keys(require.cache).filter((file) => file.includes('exporter-trace-otlp-http')).length
const before = loaded()
await import('./orchestrator/traces/otlp-exporter.ts')
console.log(JSON.stringify({ before, after: loaded() > 0 }))
`

it('loads what it tells a collector with only where there is one', async () => {
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script]
  const { stdout } = await execa(process.execPath, args, { cwd: packageRoot() })
  expect(JSON.parse(stdout)).toEqual({ before: 0, after: true })
})
