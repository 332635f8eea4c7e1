/** `2026-07-01 14:05:09 UTC` */
export function readableTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
