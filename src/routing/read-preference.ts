/**
 * Where reads go when no stronger rule speaks; libpq's words for `target_session_attrs`, without `standby`.
 *
 * - `primary`: always the primary
 * - `prefer-primary`: the primary while it may be used, else a replica
 * - `prefer-replica`: a replica while one may be used, else the primary (the default)
 * - `replica`: a replica, or an error
 */
export type ReadPreference = 'primary' | 'prefer-primary' | 'prefer-replica' | 'replica'

export const READ_PREFERENCES: readonly ReadPreference[] = [
  'primary',
  'prefer-primary',
  'prefer-replica',
  'replica',
]

/** Of two wishes about the same statement the one nearer to the primary: the stricter of the two. */
export function nearestToPrimary(
  one: ReadPreference | null,
  other: ReadPreference | null,
): ReadPreference | null {
  if (one === null || other === null) return one ?? other
  return READ_PREFERENCES.indexOf(one) < READ_PREFERENCES.indexOf(other) ? one : other
}
