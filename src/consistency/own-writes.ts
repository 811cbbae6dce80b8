import type { Scope } from '../scope/scope'
import type { Classification } from '../statement/classification'

/**
 * Notes that a scope is about to write, before anything runs or waits, so that a read beside the write cannot slip
 * between. A session statement counts, since `EXECUTE` and the like may write; a failed write counts, since nobody
 * knows what it did. Here the position of the write will be taken once reads return to replicas that have reached it.
 */
export function noteWrite(
  { scope, also }: { readonly scope: Scope; readonly also: readonly string[] },
  alias: string,
  { intent }: Pick<Classification, 'intent'>,
): void {
  if (intent !== 'write' && intent !== 'session') return
  scope.setWritten(alias)
  for (const other of also) scope.setWritten(other)
}
