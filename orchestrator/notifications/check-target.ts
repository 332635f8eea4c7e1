import { ConfigError } from '../../config/errors.ts'

/** @throws ConfigError for what is not an http or https URL, and for one with credentials, which logs would show. */
export function checkTarget(target: string): void {
  const url = URL.canParse(target) ? new URL(target) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new ConfigError('expected an http or https URL to notify, got something else', {
      hint: 'Write it as https://example.org/hook.',
    })
  if (url.username !== '' || url.password !== '')
    throw new ConfigError(`expected a URL without credentials to notify, got one for ${url.host}`, {
      hint: 'The receiver knows us by the signature: check it with the secret mayfly:notification.',
    })
}
