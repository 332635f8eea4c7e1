/** Inputs of a run by hand as environment variables: `version` becomes `INPUT_VERSION`, what is no letter or digit `_`. */
export function inputVariables(inputs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      `INPUT_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`,
      value.replaceAll('\0', ''),
    ]),
  )
}
