import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { shippedPackages } from '../../scripts/shipped-packages.ts'

const root = join(import.meta.dirname, '..', '..')
/** Licences that Apache-2.0 goes with, and that ask for no more than their text. */
const allowed = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Unlicense',
  'BlueOak-1.0.0',
]

/** Whether an SPDX expression leaves a choice that is allowed. */
function isAllowed(licence: string): boolean {
  const plain = licence.replaceAll(/[()]/g, '')
  return plain
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((part) => allowed.includes(part.trim())))
}

describe('every package that Mayfly ships with', () => {
  const shipped = shippedPackages()

  it('has a licence that Mayfly can be given on with', () => {
    expect(shipped.length).toBeGreaterThan(50)
    expect(isAllowed('MIT OR GPL-3.0')).toBe(true)
    expect(isAllowed('(MIT AND GPL-3.0)')).toBe(false)
    // Of other computers' packages nothing is here to read it from.
    const readable = shipped.filter(({ licence, isInstalled }) => licence !== undefined || isInstalled)
    expect(readable.filter(({ licence = 'none' }) => !isAllowed(licence))).toEqual([])
    const rest = shipped.filter((each) => !readable.includes(each))
    expect(rest.filter(({ isOptional }) => !isOptional)).toEqual([])
  })

  it('is held by the lock file to the bytes that were looked at', () => {
    const open = shipped.filter(({ integrity }) => integrity?.startsWith('sha512-') !== true)
    expect(open.filter(({ isInstalled, isOptional }) => isInstalled || !isOptional)).toEqual([])
  })

  it('has its exact version asked for, where Mayfly asks for it itself', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/)
  })

  it('runs no code of its own when it is installed', () => {
    const config = execFileSync('npm', ['config', 'get', 'ignore-scripts'], { cwd: root, encoding: 'utf8' })
    expect(config.trim()).toBe('true')
  })

  it('is in the bill of materials, with its version, hash and licence', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mayfly-sbom-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'bom.json')
    execFileSync('npx', ['tsx', join(root, 'scripts', 'sbom.ts'), file], { cwd: root, stdio: 'pipe' })
    const bom = JSON.parse(readFileSync(file, 'utf8'))
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'mayfly' } } })
    const listed = new Map<string, { licenses?: unknown; hashes?: unknown }>(
      bom.components.map((each: { name: string; version: string }) => [`${each.name}@${each.version}`, each]),
    )
    for (const { name, version, isInstalled } of shipped) {
      if (!isInstalled) continue
      const found = listed.get(`${name}@${version}`)
      expect(found, name).toMatchObject({ licenses: expect.any(Array), hashes: expect.any(Array) })
    }
  })
})
