import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findChecksum, parseChecksumFile } from '../../../images/pull/checksum-file.ts'

const sha256 = 'a'.repeat(64)
const other = 'b'.repeat(64)
const sha512 = 'c'.repeat(128)
const hex = fc.stringMatching(/^[0-9a-f]{64}$|^[0-9a-f]{128}$/)
const fileName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._()=-]{0,40}[A-Za-z0-9]$/)

describe('parseChecksumFile', () => {
  it('reads what Ubuntu publishes', () => {
    const lines = parseChecksumFile(`${other} *jammy.manifest\n${sha256} *jammy-server-cloudimg-amd64.img\n`)
    expect(findChecksum(lines, 'jammy-server-cloudimg-amd64.img', 'sha256')).toBe(sha256)
  })

  it('reads what Debian publishes', () => {
    const lines = parseChecksumFile(`${sha512}  debian-12-genericcloud-amd64.qcow2\n`)
    expect(findChecksum(lines, 'debian-12-genericcloud-amd64.qcow2', 'sha512')).toBe(sha512)
    expect(findChecksum(lines, 'debian-12-genericcloud-amd64.qcow2', 'sha256')).toBeUndefined()
  })

  it('reads what Rocky publishes, comment and all', () => {
    const file = 'Rocky-9-GenericCloud-Base.latest.x86_64.qcow2'
    const lines = parseChecksumFile(`# ${file}: 645988352 bytes\nSHA256 (${file}) = ${sha256}\n`)
    expect(findChecksum(lines, file, 'sha256')).toBe(sha256)
  })

  it('reads a clear-signed file with CRLF and upper-case digits', () => {
    const text = `-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\n${sha256.toUpperCase()}  ./x.img\r\n-----BEGIN PGP SIGNATURE-----\r\n`
    expect(findChecksum(parseChecksumFile(text), 'x.img', 'sha256')).toBe(sha256)
  })

  it('takes a bare digest for the one file it lies beside, and for nothing else', () => {
    expect(findChecksum(parseChecksumFile(`${sha256}\n`), 'x.img', 'sha256')).toBe(sha256)
    expect(findChecksum(parseChecksumFile(`${sha256}\n${other}\n`), 'x.img', 'sha256')).toBeUndefined()
  })

  it('does not take the digest of a file whose name only ends alike', () => {
    const lines = parseChecksumFile(`${sha256}  old-x.img\n`)
    expect(findChecksum(lines, 'x.img', 'sha256')).toBeUndefined()
  })

  it('refuses to choose between two digests of one name', () => {
    const lines = parseChecksumFile(`${sha256}  x.img\n${other}  x.img\n`)
    expect(findChecksum(lines, 'x.img', 'sha256')).toBeUndefined()
  })

  it('passes over a tag that does not fit the length of its digest', () => {
    expect(parseChecksumFile(`SHA512 (x.img) = ${sha256}\nMD5 (x.img) = ${'d'.repeat(32)}\n`)).toEqual([])
  })

  it('finds every file that was written, in both notations', () => {
    const entries = fc.uniqueArray(fc.tuple(fileName, hex), { selector: ([name]) => name, maxLength: 20 })
    fc.assert(
      fc.property(entries, fc.boolean(), (files, bsd) => {
        const text = files
          .map(([name, digest]) =>
            bsd
              ? `${digest.length === 64 ? 'SHA256' : 'SHA512'} (${name}) = ${digest}`
              : `${digest}  ${name}`,
          )
          .join('\n')
        const lines = parseChecksumFile(text)
        for (const [name, digest] of files) {
          expect(findChecksum(lines, name, digest.length === 64 ? 'sha256' : 'sha512')).toBe(digest)
        }
      }),
    )
  })

  it('undoes the escapes of sha256sum', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 20 }), (name) => {
        fc.pre(!name.startsWith('./') && !/^[\s]|[\u2028\u2029]/.test(name))
        const escaped = name.replace(/[\\\n\r]/g, (c) => ({ '\\': '\\\\', '\n': '\\n', '\r': '\\r' })[c] ?? c)
        const line = `${escaped === name ? '' : '\\'}${sha256}  ${escaped}`
        expect(findChecksum(parseChecksumFile(line), name, 'sha256')).toBe(sha256)
      }),
    )
  })

  it('never throws, whatever the file holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        for (const line of parseChecksumFile(text)) {
          expect(line.hex).toMatch(/^([0-9a-f]{64}|[0-9a-f]{128})$/)
        }
      }),
    )
  })
})
