import { ConfigError } from '../../config/errors.ts'

/** Bytes; more does not fit a variable of the environment (128 KiB a string in Linux, execve(2)) once quoted. */
const longestValue = 64 * 1024

/** A user's secret is an environment variable. */
export function checkUserSecretName(name: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) {
    throw new ConfigError(
      `expected the name of a secret made of letters, digits and _, not starting with a digit, got ${JSON.stringify(name.slice(0, 60))}`,
    )
  }
}

/** Mayfly's own (`mayfly:webhook`) can be no variable's name, so that no job can ever ask for one. */
export function checkSecretName(name: string): void {
  if (!/^mayfly:[a-z][a-z0-9-]{0,60}$/.test(name)) checkUserSecretName(name)
}

export function checkScope(scope: string): void {
  if (scope !== 'host' && !/^[a-z]+:[^\s\p{Cc}]{1,200}$/u.test(scope)) {
    throw new ConfigError(
      `expected "host" or a repository such as github:owner/name, got ${JSON.stringify(scope.slice(0, 60))}`,
    )
  }
}

/** Says nothing of the value. */
export function checkSecretValue(name: string, value: string): void {
  if (value === '') throw new ConfigError(`expected a value for the secret ${name}, got an empty one`)
  if (value.includes('\0')) {
    throw new ConfigError(`expected the secret ${name} to be text, got a NUL byte in it`, {
      hint: 'Encode it, for instance with base64, and decode it in the job.',
    })
  }
  const length = Buffer.byteLength(value)
  if (length > longestValue) {
    throw new ConfigError(`expected the secret ${name} to have at most ${longestValue} bytes, got ${length}`)
  }
}
