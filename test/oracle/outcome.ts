/** What a server said to one statement. */
export type Outcome =
  | {
      readonly kind: 'answered'
      readonly columns: readonly string[]
      /** Each row as JSON of its values as text. */
      readonly rows: readonly string[]
      readonly rowCount: number
    }
  /** Refused because the server is a replica or the session read only: the primary would have tried. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  /** Failed for a reason that has nothing to do with the server's role: wrong syntax, no such table, a time-out. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/** How many rows of an answer are kept for comparison; beyond that only their number counts. */
export const KEPT_ROWS = 2_000

/** True when both servers gave the same rows, in whatever order. */
export function alike(a: Outcome, b: Outcome): boolean {
  if (a.kind !== 'answered' || b.kind !== 'answered' || a.rowCount !== b.rowCount) return false
  const [left, right] = [a.rows.toSorted(), b.rows.toSorted()]
  return left.every((row, i) => row === right[i])
}
