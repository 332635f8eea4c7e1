export type MimePart = { readonly type: string; readonly filename: string; readonly text: string }

/** The MIME archive that cloud-init takes apart (RFC 2046). Base64 holds no `-`, so the boundary is never inside. */
export function multipart(parts: readonly MimePart[]): Buffer {
  const lines = [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    'MIME-Version: 1.0',
    '',
    ...parts.flatMap((part) => [`--${boundary}`, ...partLines(part)]),
    `--${boundary}--`,
    '',
  ]
  return Buffer.from(lines.join('\n'))
}

const boundary = 'mayfly-user-data'

function partLines({ type, filename, text }: MimePart): string[] {
  return [
    `Content-Type: ${type}; charset="utf-8"`,
    'MIME-Version: 1.0',
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment; filename="${filename}"`,
    '',
    ...(Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? []),
    '',
  ]
}
