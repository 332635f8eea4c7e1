/** What the first command in a peer's machine says. */
export const mark = 'the-first-command-is-done'
