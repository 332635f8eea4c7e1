import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../images/package-root.ts'

/** What a reader copies from a page: the text of its code blocks. */
export type Page = {
  /**
   * The blocks of a language in the section whose heading begins so, in order.
   * @throws AssertionError where there are not as many, for then nobody would try those that were added
   */
  blocks(heading: string, language: string, count: number): string[]
}

/** @param name of a page in `docs/` */
export async function readPage(name: string): Promise<Page> {
  const text = await readFile(join(packageRoot(), 'docs', name), 'utf8')
  return {
    blocks: (heading, language, count) => {
      const section = text.split(/^## /m).find((one) => one.startsWith(heading)) ?? ''
      const found = [...section.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
      const blocks = found.filter(([, of]) => of === language).map(([, , block = '']) => block)
      assert.equal(blocks.length, count, `blocks of ${language} below "${heading}" in docs/${name}`)
      return blocks
    },
  }
}

/**
 * A block as a test can do it.
 * @throws AssertionError where it no longer has a word that another one is to stand for
 */
export function inPlaceOf(block: string, words: Readonly<Record<string, string>>): string {
  return Object.entries(words).reduce((text, [word, other]) => {
    assert.ok(text.includes(word), `expected "${word}" in what the page says: ${text}`)
    return text.replaceAll(word, () => other)
  }, block)
}
