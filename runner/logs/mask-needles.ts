/** Shorter values would turn the log into stars and hide nothing. bytes */
const shortest = 4
const shortestBase64 = 6

/**
 * The byte strings that give a secret away: the value without blanks around it, each of its lines, and its
 * base64 form at each of the three alignments, as in `Authorization: Basic` headers, plain and URL-safe.
 */
export function maskNeedles(secrets: readonly string[]): Buffer[] {
  const forms = secrets.flatMap((secret) => {
    const whole = secret.trim()
    const texts = [whole, ...whole.split(/[\r\n]+/).map((line) => line.trim())]
    return [
      ...texts.map((text) => Buffer.from(text)).filter((bytes) => bytes.length >= shortest),
      ...(isMaskable(secret) ? base64Forms(Buffer.from(whole)) : []),
    ]
  })
  const unique = new Map(forms.map((form) => [form.toString('latin1'), form]))
  return [...unique.values()]
}

/** The secrets that are not masked as they are 3 bytes or shorter, blanks around them not counted. */
export function unmaskable(secrets: readonly string[]): string[] {
  return secrets.filter((secret) => !isMaskable(secret))
}

function isMaskable(secret: string): boolean {
  return Buffer.byteLength(secret.trim()) >= shortest
}

/** Only the characters whose every bit is the secret's: neighbours decide the ones at the borders. */
function base64Forms(secret: Buffer): Buffer[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), secret]).toString('base64')
    const first = Math.ceil((before * 8) / 6)
    const end = Math.floor(((before + secret.length) * 8) / 6)
    const form = encoded.slice(first, end)
    if (form.length < shortestBase64) return []
    const urlSafe = form.replaceAll('+', '-').replaceAll('/', '_')
    return [Buffer.from(form), Buffer.from(urlSafe)]
  })
}
