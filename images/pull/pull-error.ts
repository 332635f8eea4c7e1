import { InfraError } from '../../config/errors.ts'

/** No answer at all, after the retries. */
export function unreachableError(name: string, url: string, cause: unknown): InfraError {
  return new InfraError(
    'image',
    `image ${JSON.stringify(name)} is not on this host and cannot be downloaded: expected an answer from ${url}, got ${reasonOf(cause)}`,
    {
      hint: `Check this host's network (https_proxy is honoured) and run: mayfly images pull ${name}. Or use an image that is here: mayfly images ls.`,
      cause,
    },
  )
}

/** An answer, but not the file. */
export function statusError(name: string, url: string, status: number): InfraError {
  const hint =
    status === 404 || status === 410
      ? 'The publisher may have moved it: check the address, or override `url` in the host file.'
      : 'Try again later, or override `url` in the host file with a mirror.'
  return new InfraError(
    'image',
    `image ${JSON.stringify(name)}: expected status 200 from ${url}, got ${status}`,
    {
      hint,
    },
  )
}

/** Digests as `<algorithm>:<hex>`. */
export function checksumError(name: string, from: string, expected: string, found: string): InfraError {
  return new InfraError(
    'image',
    `image ${JSON.stringify(name)}: expected checksum ${expected} for ${from}, got ${found}`,
    {
      hint: 'The file was altered or the publisher is just replacing it: nothing was kept. Try again in some minutes.',
    },
  )
}

export function tooLargeError(name: string, what: string, limit: number, found?: number): InfraError {
  const got = found === undefined ? 'more' : `${found} bytes`
  return new InfraError(
    'image',
    `image ${JSON.stringify(name)}: expected ${what} of at most ${limit} bytes, got ${got}`,
    { hint: 'Raise the limit in the host file if you trust this image: limits.image_bytes.' },
  )
}

/** The code says more than undici's sentence where there is one (`ECONNREFUSED`, `ENOTFOUND`). */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error)
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const cause = error.cause instanceof Error ? `: ${reasonOf(error.cause)}` : ''
  return [code, error.message].filter(Boolean).join(' ') + cause
}
