type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** An object without its undefined fields, for those who tell an absent field from an undefined one. */
export function definedOnly<T extends object>(value: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Partial<
    Defined<T>
  >
}
