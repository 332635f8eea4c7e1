type CurvePath = {
  readonly points: readonly { readonly from: number; readonly to: number; readonly value: number }[]
  /** What is as wide as the picture, ms, and as high as it. */
  readonly end: number
  readonly most: number
}

/** A stepped curve in a picture of 1000 by 100, its zero below, as the `d` of a path that encloses what is under it. */
export function curvePath({ points, end, most }: CurvePath): string {
  const [first, last] = [points.at(0), points.at(-1)]
  if (first === undefined || last === undefined || end <= 0 || most <= 0) return ''
  const x = (ms: number) => round((ms / end) * 1000)
  const y = (value: number) => round(100 - (Math.min(value, most) / most) * 100)
  const steps = points.map(({ from, to, value }) => `L${x(from)} ${y(value)}H${x(to)}`)
  return `M${x(first.from)} 100${steps.join('')}V100Z`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
