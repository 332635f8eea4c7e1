import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const notOurs = ['node_modules', 'dist', '.git']

const files = await listFiles(root)
const pages = files.filter((file) => file.endsWith('.md')).map((file) => relative(root, file))

describe('the documentation', () => {
  it.each(pages)('has no link in %s that leads nowhere', async (page) => {
    const dead: string[] = []
    for (const link of linksOf(await readFile(join(root, page), 'utf8'))) {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? join(root, page) : join(root, dirname(page), path)
      if (!existsSync(target)) dead.push(link)
      else if (anchor !== undefined && !(await anchorsOf(target)).includes(anchor)) dead.push(link)
    }
    expect(dead).toEqual([])
  })

  it.each(pages)('names no source file in %s that is not there', async (page) => {
    const text = withoutBlocks(await readFile(join(root, page), 'utf8'))
    const named = [...text.matchAll(/`([\w-]+(?:[./][\w-]+)*\.ts)`/g)].map(([, name = '']) => name)
    expect(named.filter((name) => !isThere(name, page))).toEqual([])
  })
})

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const nested = entries
    .filter(({ name }) => !notOurs.includes(name))
    .map((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? listFiles(path) : [path]
    })
  return (await Promise.all(nested)).flat()
}

/** Links to files of this repository: those of other places would need the network. */
function linksOf(markdown: string): string[] {
  const links = [...withoutBlocks(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return links.filter((link) => !/^[a-z]+:/.test(link))
}

/** The anchors that forges give to headings: lower case, no punctuation, dashes for blanks. */
async function anchorsOf(file: string): Promise<string[]> {
  const headings = withoutBlocks(await readFile(file, 'utf8')).matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function withoutBlocks(markdown: string): string {
  return markdown.replaceAll(/^```.*?^```/gms, '')
}

/** From the root, from the page's folder, or, for a bare name, anywhere below the page's folder. */
function isThere(name: string, page: string): boolean {
  const folder = join(root, dirname(page))
  if (existsSync(join(root, name)) || existsSync(join(folder, name))) return true
  return !name.includes('/') && files.some((file) => file.startsWith(folder) && file.endsWith(`/${name}`))
}
