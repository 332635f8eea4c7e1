/** What a token lets do; `admin` is all of it. */
export const tokenScopes = ['read', 'submit', 'debug', 'admin'] as const

export type TokenScope = (typeof tokenScopes)[number]

/** A token as lists show it; the token itself is known to its owner alone. Dates are ISO 8601. */
export type Token = {
  readonly id: string
  readonly name: string
  readonly scopes: readonly TokenScope[]
  readonly created: string
  /** Undefined for never. */
  readonly expires: string | undefined
  /** To the nearest ten minutes; undefined where it never was. */
  readonly lastUsed: string | undefined
}

/** Who a valid token stands for. */
export type TokenHolder = Pick<Token, 'id' | 'name' | 'scopes'>

export type Tokens = {
  /**
   * Makes a token and gives its clear text, this once.
   * @param request expires: ISO 8601, in the future; never where it is left out; text: made where it is left out
   * @throws ConfigError
   */
  make(request: {
    name: string
    scopes: readonly TokenScope[]
    expires?: string | undefined
    text?: string
  }): Promise<{ token: Token; text: string }>
  /** Undefined for what is no token, was revoked or is over. */
  verify(text: string): Promise<TokenHolder | undefined>
  /** The oldest first. */
  list(): Promise<Token[]>
  /** By its id; whether there was one. */
  revoke(id: string): Promise<boolean>
}

/** Whether a holder may do what needs this scope. */
export function hasScope({ scopes }: Pick<TokenHolder, 'scopes'>, needed: TokenScope): boolean {
  return scopes.includes(needed) || scopes.includes('admin')
}
