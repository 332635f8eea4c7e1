/** Names of metrics in a query of Prometheus, without what a histogram adds to its own. */
export function namedMetrics(query: string): string[] {
  const names = query.match(/\bmayfly_\w+/g) ?? []
  return [...new Set(names.map((name) => name.replace(/_(?:bucket|sum|count)$/, '')))]
}
