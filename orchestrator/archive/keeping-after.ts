/**
 * The same with some of its methods done `after`, which ends before they do: whatever they changed is kept by then.
 *
 * ```ts
 * const tokens = keepingAfter(createTokens(place), ['make', 'revoke'], keepRegister)
 * ```
 */
export function keepingAfter<T extends object, K extends keyof T>(
  target: T,
  methods: readonly (K & MethodOf<T>)[],
  after: () => Promise<void>,
): T {
  const wrapped = methods.map((name) => {
    const method = target[name] as (...args: unknown[]) => Promise<unknown>
    return [
      name,
      async (...args: unknown[]) => {
        const result = await method(...args)
        await after()
        return result
      },
    ]
  })
  return { ...target, ...Object.fromEntries(wrapped) }
}

type MethodOf<T> = {
  [K in keyof T]: T[K] extends (...args: never[]) => Promise<unknown> ? K : never
}[keyof T]
