/**
 * The rows of what the driver answered, which is an array of rows, or of several such arrays, and what it knows of the
 * columns. Knex gives the rows alone.
 */
export function rowsOf(result: unknown): readonly unknown[] {
  const [first] = [result].flat()
  if (!Array.isArray(first)) return [result].flat()
  const rows = first as readonly unknown[]
  return rows.flatMap((each) => (Array.isArray(each) && each.every(isRow) ? (each as unknown[]) : [each]))
}

/** A set of rows; with `rowsAsArray` a row is an array, and of values. */
function isRow(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
