/** The forges whose webhooks are understood and whose statuses are written. */
export const forgeNames = ['github', 'gitlab', 'gitea', 'bitbucket', 'sourcehut'] as const

export type ForgeName = (typeof forgeNames)[number]
