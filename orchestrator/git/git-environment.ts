import type { CloneUrl } from '../../config/clone-url.ts'

/** How one call of git may reach others. */
export type GitAccess = {
  /** Nothing but these, whatever a repository or a redirect asks for. */
  readonly transports: readonly CloneUrl['transport'][]
  /** Keys and values in force for this call only; the place for credentials, for no other user sees them there. */
  readonly config: readonly (readonly [key: string, value: string])[]
}

export const noAccess: GitAccess = { transports: [], config: [] }

/** Harmless oddities of old commits, which many a grown repository has (git-fsck(1), "fsck messages"). */
const tolerated = [
  'badDateOverflow',
  'badEmail',
  'badName',
  'badTimezone',
  'missingEmail',
  'missingNameBeforeEmail',
  'missingSpaceBeforeDate',
  'missingSpaceBeforeEmail',
  'multipleAuthors',
  'zeroPaddedDate',
  'zeroPaddedFilemode',
]

/** In force for every call. What a repository itself configures never is: it is data. */
const everyCall: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  ['core.logAllRefUpdates', 'false'],
  ['core.autocrlf', 'false'],
  ['core.symlinks', 'true'],
  ['core.protectHFS', 'true'],
  ['core.protectNTFS', 'true'],
  // Empty: forgets the helpers that were named before it.
  ['credential.helper', ''],
  ['transfer.fsckObjects', 'true'],
  ...tolerated.map((message) => [`fetch.fsck.${message}`, 'ignore'] as const),
  ['fetch.recurseSubmodules', 'false'],
  ['submodule.recurse', 'false'],
  ['maintenance.auto', 'false'],
  ['gc.auto', '0'],
  // With a token in a header, a redirect would carry it to another host.
  ['http.followRedirects', 'false'],
  // A transfer that stands still is given up by git itself, should nobody be left to end it. Bytes/s, seconds.
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '300'],
  // All folders that git works in are Mayfly's own, whoever owned the data folder before.
  ['safe.directory', '*'],
]

/** Taken from our own environment: where programs are, how to get out, and ssh's agent. */
const passed = [
  'PATH',
  'TMPDIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'ALL_PROXY',
  'all_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'SSH_AUTH_SOCK',
]

/**
 * The whole environment of a call of git: no configuration of this host's or its users', no hooks, no prompts, no
 * credentials but those of `access` (git(1), "Environment variables"; git-config(1), GIT_CONFIG_COUNT).
 */
export function gitEnvironment(
  { transports, config }: GitAccess,
  own: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const all = [...everyCall, ...config]
  const settings = all.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return {
    ...Object.fromEntries(passed.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]]))),
    // Messages are recognised by their English words.
    LC_ALL: 'C',
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS_REQUIRE: 'never',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15',
    // As protocol.allow=never with protocol.<name>.allow=always, stronger than any configuration.
    GIT_ALLOW_PROTOCOL: transports.join(':'),
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    // A kilobyte of delta can stand for gigabytes in memory; what is honestly as large is no delta (core.bigFileThreshold).
    GIT_ALLOC_LIMIT: '2g',
    GIT_CONFIG_COUNT: String(all.length),
    ...Object.fromEntries(settings),
  }
}
