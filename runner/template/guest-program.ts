import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../../images/package-root.ts'

/** The program that waits in the guest of a template, `runner/template/thaw.py`. */
export function guestProgram(): Promise<string> {
  return readFile(join(packageRoot(), 'runner', 'template', 'thaw.py'), 'utf8')
}
