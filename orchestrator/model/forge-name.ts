/** The forges whose webhooks are understood and whose statuses are written. */
export const forgeNames = ['github', 'gitlab', 'gitea', 'bitbucket', 'sourcehut'] as const

export type ForgeName = (typeof forgeNames)[number]

/** Where a repository is: on a forge, or `local` for folders that people submit from their own computers. */
export type RepositoryForge = ForgeName | 'local'
