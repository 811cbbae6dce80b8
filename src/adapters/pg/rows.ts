/** The rows of what the driver answered: of a result, of each of several, or as Knex gives them, which takes them out. */
export function rowsOf(result: unknown): readonly unknown[] {
  return [result].flat().flatMap((each: unknown) => (hasRows(each) ? each.rows : [each]))
}

function hasRows(result: unknown): result is { readonly rows: readonly unknown[] } {
  return typeof result === 'object' && result !== null && Array.isArray((result as { rows?: unknown }).rows)
}
