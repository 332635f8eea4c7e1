/** Whether another try may mend this HTTP status (RFC 9110 15.5.9 and 15.6, RFC 6585 for 429). */
export function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500
}
