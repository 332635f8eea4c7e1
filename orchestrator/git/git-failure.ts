import { ConfigError, InfraError } from '../../config/errors.ts'
import { repositorySecrets } from '../model/repository.ts'

type Failure = {
  /** `fetching github:owner/name` */
  readonly doing: string
  readonly stderr: string
  /** What must not be in the message: tokens, and headers made of them. */
  readonly secrets: readonly string[]
  /** The way out where access is refused. @defaultValue to set the clone token */
  readonly accessHint?: string
}

/** What git said, as the error that it means: the words are git's own in the C locale, and those of curl and ssh. */
export function gitFailure({ doing, stderr, secrets, accessHint }: Failure): ConfigError | InfraError {
  const words = spoken(stderr, secrets)
  const known = causes.find(({ said }) => said.test(stderr))
  if (known === undefined) {
    return new InfraError('upload', `${doing}: expected git to succeed, got ${words}`, {
      hint: 'Try again; if it stays, try the same with git by hand on this host.',
    })
  }
  const message = `${doing}: ${known.expected}, got ${words}`
  const hint = known.isAccess ? (accessHint ?? known.hint) : known.hint
  return known.family === 'config'
    ? new ConfigError(message, { hint })
    : new InfraError(known.family, message, { hint })
}

/** Whether git says that the server has no such commit, or does not give commits by their id. */
export function saysMissing(stderr: string): boolean {
  return /not our ref|unadvertised object|couldn't find remote ref|no such remote ref|did not send all necessary objects|not a valid object|bad object/i.test(
    stderr,
  )
}

type Cause = {
  readonly said: RegExp
  readonly family: 'config' | 'upload' | 'host-disk-full'
  readonly expected: string
  readonly hint: string
  readonly isAccess?: boolean
}

/** The first that fits. */
const causes: readonly Cause[] = [
  {
    said: /No space left on device|Disk quota exceeded|File too large/i,
    family: 'host-disk-full',
    expected: 'expected room on the disk of the data folder',
    hint: 'Free some space, or choose another --data folder.',
  },
  {
    said: /fsckObjects|error in object|fsck error|contains '\.git'|hasDot/i,
    family: 'config',
    expected: 'expected a sound repository',
    hint: 'git fsck in a clone names what is broken or hostile in it; such a repository is not fetched.',
  },
  {
    said: /requested URL returned error: 3\d\d|redirect/i,
    family: 'config',
    expected: 'expected the repository at its clone URL',
    hint: 'The server names another place: register the address that it leads to, often the same with .git at its end.',
  },
  {
    said: /could not read Username|could not read Password|Authentication failed|requested URL returned error: 40[13]|Permission denied \(|access denied/i,
    family: 'config',
    expected: 'expected to be let in',
    isAccess: true,
    hint: `Set the secret ${repositorySecrets.clone} of the repository to a token that may read it, or for ssh let the key of the user that Mayfly runs as in.`,
  },
  {
    said: /Host key verification failed/i,
    family: 'config',
    expected: "expected the server's ssh host key to be known",
    hint: 'Add it to ~/.ssh/known_hosts of the user that Mayfly runs as, or to /etc/ssh/ssh_known_hosts.',
  },
  {
    said: /dubious ownership/i,
    family: 'config',
    expected: 'expected a repository of the user that Mayfly runs as',
    hint: 'Let that user own it, or register it by https or ssh.',
  },
  {
    said: /not found|does not exist|does not appear to be a git repository|requested URL returned error: 4(?:04|10)/i,
    family: 'config',
    expected: 'expected a repository at the clone URL',
    isAccess: true,
    hint: `Look at the clone URL; where the repository is private, set its secret ${repositorySecrets.clone}.`,
  },
  {
    said: /transport '.*' not allowed/i,
    family: 'config',
    expected: 'expected a transport that is allowed here',
    hint: 'Submodules are fetched over https only (http where the repository itself is).',
  },
  {
    said: /SSL certificate problem|server certificate verification failed/i,
    family: 'config',
    expected: "expected the server's certificate to be valid",
    hint: "Add its authority to this host's trusted certificates.",
  },
  {
    said: /Could not resolve host|Connection refused|Failed to connect|Connection timed out|Connection reset|early EOF|RPC failed|unexpected disconnect|the remote end hung up|Operation too slow|requested URL returned error: (?:429|5\d\d)|unable to access|Empty reply/i,
    family: 'upload',
    expected: 'expected the server to answer',
    hint: 'The server or the way to it fails: it is tried again.',
  },
]

const longest = 400

/** The lines that say why, without secrets and without anything that a terminal would obey: the server wrote some. */
function spoken(stderr: string, secrets: readonly string[]): string {
  const clean = secrets
    .filter((secret) => secret.length > 0)
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, secret) => text.replaceAll(secret, '***'), stderr)
    .replace(/\/\/[^/\s@]*@/g, '//***@')
  const lines = clean
    .split(/[\r\n]+/)
    .map((line) => line.replace(/\p{Cc}/gu, '').trim())
    .filter((line) => line !== '')
  const telling = lines.filter((line) => /^(?:fatal|error|remote|ssh|git):/i.test(line))
  const text = (telling.length > 0 ? telling : lines).join('; ')
  if (text === '') return 'no reason'
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
