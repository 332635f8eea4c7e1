import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { listDpkgPackages } from '../../images/list-dpkg-packages.ts'

describe('listDpkgPackages', () => {
  it('lists of this very computer what dpkg-query does', () => {
    const format = '$' + '{Package} $' + '{Version} $' + '{Architecture} $' + '{db:Status-Status}\n'
    const listed = execFileSync('dpkg-query', ['-W', '-f', format], { encoding: 'utf8' })
    const installed = listed
      .split('\n')
      .flatMap((line) => (line.endsWith(' installed') ? [line.slice(0, -10)] : []))
    expect(listDpkgPackages(readFileSync('/var/lib/dpkg/status', 'utf8'))).toEqual(installed.sort())
  })

  it('leaves out what was removed, what is half there and what is no package', () => {
    const status = [
      'Package: here\nStatus: install ok installed\nVersion: 1:2-3\nArchitecture: all\nDescription: x\n Package: no',
      'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all',
      'Package: half\nStatus: install reinstreq half-installed\nVersion: 1\nArchitecture: all',
      'no paragraph',
      '',
    ]
    expect(listDpkgPackages(status.join('\n\n'))).toEqual(['here 1:2-3 all'])
    expect(listDpkgPackages('')).toEqual([])
  })
})
