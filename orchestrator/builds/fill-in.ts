const placeholder = /\$\{([A-Za-z_][A-Za-z0-9_.]*)\}/g

/** Puts values in the place of `${name}`, once: what a value brings along is left as it is. Unknown names stay. */
export function fillIn(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(placeholder, (whole, name: string) => values.get(name) ?? whole)
}

/** The names that a text has as `${name}`. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(placeholder)].flatMap(([, name]) => name ?? [])
}
