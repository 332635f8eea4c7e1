import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readYaml } from '../../../config/yaml/read-yaml.ts'

const read = (text: string) => readYaml({ file: 'x.yml', text, asWritten: ['env'] })
const messages = (text: string) =>
  read(text).problems.map(({ line, column, message }) => `${line}:${column}: ${message}`)

describe('readYaml', () => {
  it('gives plain data', () => {
    expect(read('a: [1, true, ~, "x"]\n').value).toEqual({ a: [1, true, null, 'x'] })
  })

  it('has no value for an empty file, and no problem either', () => {
    expect(read('# only a comment\n')).toMatchObject({ value: undefined, problems: [] })
  })

  it('keeps "on" a word, as YAML 1.2 has it', () => {
    expect(read('on: yes').value).toEqual({ on: 'yes' })
  })

  it('ignores a byte order mark', () => {
    expect(read('\uFEFFa: 1').value).toEqual({ a: 1 })
  })

  it('reads the same from a file with CRLF line ends', () => {
    expect(read('a: |\r\n  x\r\n  y\r\nb: 1\r\n').value).toEqual({ a: 'x\ny\n', b: 1 })
  })

  it('keeps numbers and booleans below the given keys as they are written', () => {
    expect(read('env: { A: 1.10, B: True, C: 0x1F, D: "2" }\nn: 1.10').value).toEqual({
      env: { A: '1.10', B: 'True', C: '0x1F', D: '2' },
      n: 1.1,
    })
  })

  it('says where values and keys are, and where what is absent would be', () => {
    const yaml = read('a:\n  b: [x,\n    yy]\nc: &c {d: 1}\ne: *c\n')
    expect(yaml.positionOf(['a', 'b', 1])).toEqual({ line: 3, column: 5 })
    expect(yaml.positionOf(['a', 'b'], 'key')).toEqual({ line: 2, column: 3 })
    expect(yaml.positionOf(['a', 'nothing', 'deeper'])).toEqual({ line: 2, column: 3 })
    expect(yaml.positionOf(['e', 'd'])).toEqual({ line: 4, column: 11 })
    expect(yaml.positionOf([])).toEqual({ line: 1, column: 1 })
  })

  it('points at the key where a value is left empty', () => {
    expect(read('a: 1\n  \nb:\nc: 2').positionOf(['b'])).toEqual({ line: 3, column: 1 })
  })

  it('gives keys in the order of the file, numbers too', () => {
    expect(read('j: { b: 1, 10: 1, 2: 1 }').keysOf(['j'])).toEqual(['b', '10', '2'])
  })

  it.each([
    ['wrong syntax', 'a: b: c', '1:4: not valid YAML: Nested mappings are not allowed in compact mappings'],
    ['an open quote', 'a: 1\nb: "x', '2:6: not valid YAML: Missing closing "quote'],
    ['a tab as indentation', 'a:\n\tb: 1', '2:1: expected spaces as indentation, found a tab'],
    ['a key given twice', 'a: 1\nb: 2\na: 3', '3:1: the key "a" is given twice: keep one'],
    ['a second document', 'a: 1\n---\nb: 2', '2:1: expected one YAML document, found a second one'],
    ['an unknown tag', 'a: !foo x', '1:4: expected plain YAML without tags: unresolved tag: !foo'],
    [
      'an unknown alias',
      'a: *b',
      '1:1: not valid YAML: Unresolved alias (the anchor must be set before the alias): b',
    ],
    ['__proto__ as a key', 'a: { __proto__: 1 }', '1:6: the key "__proto__" is not allowed'],
    ['a list as a key', '? [a]\n: 1', '1:3: expected text as a key, found something else'],
  ])('tells %s by its place', (_name, text, problem) => {
    expect(messages(text)).toEqual([problem])
  })

  it('says that merge keys are not supported', () => {
    expect(messages('a: &a { x: 1 }\nb:\n  <<: *a')[0]).toContain(
      '3:3: YAML merge keys ("<<") are not supported',
    )
  })

  it('finds every key that is given twice, and still reads the rest', () => {
    const yaml = read('a: 1\na: 2\nb: { c: 1, c: 2 }\nd: 4')
    expect(yaml.problems).toHaveLength(2)
    expect(yaml.value).toMatchObject({ d: 4 })
  })
})

describe('readYaml and hostile text', () => {
  const billionLaughs = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...[...'bcdefghi'].map(
      (name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(', ')}]`,
    ),
  ].join('\n')

  it('stops a YAML bomb', () => {
    expect(messages(billionLaughs)).toEqual([
      '1:1: expected aliases that unfold to at most 100 values, found a YAML bomb',
    ])
  })

  it('stops at more aliases than anybody writes', () => {
    const lines = Array.from({ length: 9000 }, (_, index) => `- &a${index} x\n- *a${index}`)
    expect(messages(lines.join('\n'))).toEqual(['202:3: expected at most 100 aliases, found more'])
  })

  it('survives an anchor that holds its own alias', () => {
    expect(read('a: &a [*a]').problems).toEqual([])
  })

  it.each([
    ['flow lists', '['.repeat(500_000)],
    ['flow mappings', '{a: '.repeat(100_000)],
    ['block lists', '- '.repeat(200_000)],
    ['explicit keys', '? '.repeat(200_000)],
  ])('stops at %s that nest without end, before they exhaust the stack', (_name, text) => {
    expect(messages(text)[0]).toContain('expected at most 30 levels of nesting, found more')
  })

  it('refuses more than a mebibyte', () => {
    expect(messages('x'.repeat(2 ** 20 + 1))[0]).toContain('1:1: expected at most 1MiB, found 1 MiB')
  })

  it('tells of a key of half a mebibyte in few words', () => {
    const key = 'k'.repeat(2 ** 19)
    const said = messages(`${key}: 1\n${key}: 2`)
    expect(said).toHaveLength(1)
    expect(said[0]?.length).toBeLessThan(1_000)
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype'])(
    'gives no object another nature by a key %s',
    (key) => {
      read(`a: { ${key}: { polluted: 1 } }\n${key}: { polluted: 1 }`)
      expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    },
  )

  it('finds a repeated key among very many in little time', () => {
    const lines = Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`)
    const start = performance.now()
    expect(messages([...lines, 'k7: 2'].join('\n'))).toEqual([
      '60001:1: the key "k7" is given twice: keep one',
    ])
    expect(performance.now() - start).toBeLessThan(15_000)
  })

  it('never throws, and every problem is in the text', () => {
    const pieces = fc.constantFrom(
      'a',
      ': ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '&a ',
      '*a',
      '|',
      '#',
      '\t',
      '\0',
      '? ',
      '!t ',
      '---\n',
      '<<',
      '%',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 4 })), { maxLength: 40 }), (parts) => {
        const text = parts.join('')
        for (const { line, column } of read(text).problems) {
          expect(line).toBeGreaterThanOrEqual(1)
          expect(line).toBeLessThanOrEqual(text.split('\n').length + 1)
          expect(column).toBeGreaterThanOrEqual(1)
        }
      }),
      { numRuns: 500 },
    )
  })
})
