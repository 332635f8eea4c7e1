import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { shippedPackages } from './shipped-packages.ts'

// npm run sbom [-- FILE]: writes what Mayfly is made of as CycloneDX 1.5, to be published with a release. By default
// to dist/mayfly-VERSION.cdx.json.
const root = join(import.meta.dirname, '..')
const component = z.looseObject({
  'bom-ref': z.string(),
  name: z.string(),
  version: z.string(),
  licenses: z.unknown().optional(),
})
const bom = z.looseObject({
  metadata: z.looseObject({ component: z.looseObject({ 'bom-ref': z.string(), name: z.string() }) }),
  components: z.array(component),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()) })),
})

const { name, version } = z
  .object({ name: z.string(), version: z.string() })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
// Not with `--omit dev`: npm 11.19 then leaves out whatever a package for development needs as well.
const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']
const listed = bom.parse(JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' })))
// npm calls it after the folder that it lies in, and knows no licence that the lock file does not have.
listed.metadata.component.name = name
const licences = new Map(shippedPackages().map((each) => [`${each.name}@${each.version}`, each.licence]))
listed.components = listed.components.filter((each) => licences.has(`${each.name}@${each.version}`))
for (const each of listed.components) {
  const licence = licences.get(`${each.name}@${each.version}`)
  if (each.licenses === undefined && licence !== undefined) each.licenses = [{ expression: licence }]
}
const refs = new Set([listed.metadata.component, ...listed.components].map((each) => each['bom-ref']))
listed.dependencies = listed.dependencies
  .filter(({ ref }) => refs.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) }))
const file = process.argv[2] ?? join(root, 'dist', `${name}-${version}.cdx.json`)
mkdirSync(dirname(file), { recursive: true })
writeFileSync(file, `${JSON.stringify(listed, null, 2)}\n`)
console.log(`sbom: ${listed.components.length} packages in ${file}`)
