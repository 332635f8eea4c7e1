/** Whether lines can be written over: on a terminal that says how wide it is, for by that ora counts what to clear. */
export function isLive({ isTTY, columns }: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>): boolean {
  return isTTY === true && columns > 0
}
