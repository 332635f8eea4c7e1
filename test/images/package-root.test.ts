import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { packageRoot } from '../../images/package-root.ts'
import { temporaryFolder } from './make-disk.ts'

it('finds the package from its source', () => {
  expect(packageRoot()).toBe(join(import.meta.dirname, '../..'))
})

it('finds the package from compiled files, past other packages on the way', () => {
  const root = temporaryFolder()
  mkdirSync(join(root, 'dist/images'), { recursive: true })
  writeFileSync(join(root, 'package.json'), '{"name":"mayfly"}')
  writeFileSync(join(root, 'dist/package.json'), '{"type":"module"}')
  expect(packageRoot(pathToFileURL(join(root, 'dist/images/package-root.js')).href)).toBe(root)
  rmSync(root, { recursive: true })
})

it('says where it looked when there is no package', () => {
  expect(() => packageRoot('file:///nowhere/at/all.js')).toThrow('above /nowhere/at/all.js')
})
