import type { Crowd, StartFigures } from '../contender.ts'

/** Starts all members of a crowd at the same moment. */
export async function startEach(
  { id, atOnce }: Crowd,
  start: (id: string) => Promise<StartFigures>,
): Promise<StartFigures[]> {
  return await Promise.all(Array.from({ length: atOnce }, (_, index) => start(`${id}-${index}`)))
}
