/** Whether a host has all the labels that a job asks for; a job that asks for none runs anywhere. */
export function hasLabels(
  have: readonly string[] | undefined,
  wanted: readonly string[] | undefined,
): boolean {
  return (wanted ?? []).every((label) => have?.includes(label) ?? false)
}
