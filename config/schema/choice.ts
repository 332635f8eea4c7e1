import { z } from 'zod'

/** One of a few words. The error lists all of them with what each means. */
export const choice = <K extends string>(meanings: Readonly<Record<K, string>>) => {
  const words = Object.keys(meanings) as [K, ...K[]]
  const listed = words.map((word) => (meanings[word] === '' ? word : `${word} (${meanings[word]})`))
  return z.enum(words, { error: `expected one of ${listed.join(', ')}` })
}

/** What the words of a choice mean, for its description. */
export const meaningsOf = (meanings: Readonly<Record<string, string>>): string =>
  Object.entries(meanings)
    .map(([word, meaning]) => `\`${word}\`: ${meaning}`)
    .join('; ')
