/** What a reader should know before the table of limits. */
export const limitsIntroduction = `
# Limits

Everything that a stranger, a job or a mistake could make large has a limit with a name: its key in the
[host file](host-file.md). Whatever is refused for one says which key that is.

\`mayfly_limit_reached_total{limit="…"}\` of \`/metrics\` counts how often each was reached, \`mayfly_limit{limit="…"}\` is what
those of \`limits:\` are set to (bytes, seconds or numbers), and \`mayfly_http_connections\`, \`mayfly_log_followers\`,
\`mayfly_jobs_waiting\` and \`mayfly_disk_bytes{limit="…"}\` say how close it is.
`
