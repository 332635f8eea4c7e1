import { expect, it } from 'vitest'
import { shareNext } from '../../runner/share-next.ts'

/** Readings that end when they are told to. */
function readings() {
  const begun: { resolve: (value: string) => void; reject: (error: Error) => void }[] = []
  const ask = shareNext(() => new Promise<string>((resolve, reject) => begun.push({ resolve, reject })))
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { begun, ask, turn }
}

it('gives all who ask while one reading is under way the next one, begun after they asked', async () => {
  const { begun, ask, turn } = readings()
  const first = ask()
  await turn()
  const [second, third] = [ask(), ask()]
  await turn()
  expect(begun).toHaveLength(1)
  begun[0]?.resolve('old')
  expect(await first).toBe('old')
  await turn()
  expect(begun).toHaveLength(2)
  begun[1]?.resolve('new')
  expect(await Promise.all([second, third])).toEqual(['new', 'new'])
})

it('reads anew after a reading that failed, and tells only those who shared it', async () => {
  const { begun, ask, turn } = readings()
  const first = ask()
  await turn()
  const second = ask()
  begun[0]?.reject(new Error('no file'))
  await expect(first).rejects.toThrow('no file')
  await turn()
  begun[1]?.resolve('there')
  expect(await second).toBe('there')
})
