/** 40 hex digits, or 64 of a SHA-256 repository. */
export function isWholeSha(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text)
}

/** The beginning of a hash, long enough to mean one commit. */
export function isShortSha(text: string): boolean {
  return /^[0-9a-f]{12,39}$/i.test(text)
}

/** How a push says that there is no commit: before a new ref, after a deleted one. */
export function isZeroSha(text: string): boolean {
  return /^(?:0{40}|0{64})$/.test(text)
}

/**
 * Whether a text from a stranger is a ref as git-check-ref-format(1) allows it, below `refs/`: it ends up in argv
 * and URLs.
 */
export function isRefName(text: string): boolean {
  if (text.length > 1024 || !/^refs\/[^/]/.test(text)) return false
  if (/[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.$|\/$|\.lock(?:\/|$)/u.test(text)) return false
  return true
}

/** Whether a text from a stranger is `owner/name`, with groups between them where a forge has those. */
export function isRepositoryName(text: string): boolean {
  return (
    text.length <= 200 &&
    /^[^\s/\p{Cc}]+(?:\/[^\s/\p{Cc}]+)+$/u.test(text) &&
    !/(?:^|\/)\.\.?(?:\/|$)/.test(text)
  )
}
