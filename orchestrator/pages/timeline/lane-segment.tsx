type LaneSegment = {
  readonly label: string
  /** What it says to whoever points at it. */
  readonly title: string
  readonly className: string
  /** Percent of the picture's width. */
  readonly from: number
  readonly width: number
  /** Pixels. */
  readonly y: number
  readonly height: number
}

/** Pixels of the picture on a wide page and on a phone, and of a letter. */
const wide = 1150
const narrow = 320
const letter = 7.5
const enoughToRead = 56

/** A part of a lane, with its name in it as far as there is room; without any where it could not be read. */
export function LaneSegment({ label, title, className, from, width, y, height }: LaneSegment) {
  const needed = Math.min(label.length * letter + 8, enoughToRead)
  const fits = (pixels: number) => (width / 100) * pixels >= needed
  return (
    <svg x={`${from.toFixed(2)}%`} y={y} width={`${Math.max(width, 0.15).toFixed(2)}%`} height={height}>
      <title>{title}</title>
      <rect width="100%" height="100%" class={className} />
      {fits(wide) ? (
        <text x="4" y={height / 2 + 5} class={fits(narrow) ? 'inside' : 'inside roomy'}>
          {label}
        </text>
      ) : null}
    </svg>
  )
}
