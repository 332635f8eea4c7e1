import { ConfigError, InfraError } from '../../../config/errors.ts'
import type { HostBucket } from '../../../config/host/host-config.ts'

/** What a storage, or the way to it, said, as an error of ours. */
export function describeError(bucket: HostBucket, error: unknown): ConfigError | InfraError {
  if (error instanceof ConfigError || error instanceof InfraError) return error
  const where = `s3://${bucket.name} at ${bucket.endpoint ?? `Amazon S3, ${bucket.region}`}`
  const { name = 'Error', message = String(error) } = error as Partial<Error>
  const said = `expected to use ${where}, got ${name}: ${message}`
  const hint = hints[name] ?? hints[String(statusOf(error))]
  if (hint !== undefined) return new ConfigError(said, { hint, cause: error })
  return new InfraError('host-lost', said, {
    hint: 'What has to be kept is kept on this host and brought there when the storage answers again.',
    cause: error,
  })
}

/** The HTTP status of an answer of the storage; undefined where there was none. */
export function statusOf(error: unknown): number | undefined {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
  return $metadata?.httpStatusCode
}

const rights =
  'The key needs the rights to list the bucket and to read, write and remove objects below the prefix of `archive`.'

const hints: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Make the bucket first, or correct `archive` in the host file: Mayfly makes none.',
  InvalidAccessKeyId: 'Look at `s3.credentials` in the host file, or at AWS_ACCESS_KEY_ID.',
  SignatureDoesNotMatch:
    'The secret does not fit the key id: look at `s3.credentials` in the host file, or at AWS_SECRET_ACCESS_KEY.',
  CredentialsProviderError:
    'Name a file as `s3.credentials` in the host file, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  AccessDenied: rights,
  AuthorizationHeaderMalformed: 'Look at `s3.region` in the host file.',
  PermanentRedirect: 'The bucket is in another region: look at `s3.region` in the host file.',
  RequestTimeTooSkewed: "Set this host's clock: signatures hold for some minutes.",
  NotImplemented: 'The storage does not know what was asked for: look at `s3.encryption` in the host file.',
  '401': rights,
  '403': rights,
}
