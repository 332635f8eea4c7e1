const leastMs = 1_000
const share = 150

/**
 * Milliseconds until the next sample of a job that is `age` ms old: a second at first, later a fixed part of its age, so
 * that a curve is as fine as its picture is wide however long it gets. That makes 150 samples in the first 150 s, less
 * than 900 in 6 h, and some 100 more each time that doubles.
 */
export function sampleInterval(age: number): number {
  return Math.max(leastMs, age / share)
}
