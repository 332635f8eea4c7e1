const longest = 200

/** The first line of a message, without control characters, cut to 200 characters. */
export function firstLine(message: string): string {
  const line = message.trimStart().split(/[\r\n]/, 1)[0] ?? ''
  const clean = line.replace(/\p{Cc}/gu, ' ').trim()
  const characters = [...clean]
  return characters.length <= longest ? clean : `${characters.slice(0, longest - 1).join('')}…`
}
