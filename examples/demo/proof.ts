import type { ClusterInfo } from '../../test/servers'
import type { Testimony, Witness } from './backend'

/** What one server has done for its clients between two questions, by its own count. */
export interface ServerCount extends Testimony {
  readonly id: string
  readonly isReplica: boolean
}

/** Asks every server what it has done since now, when the function that is returned is called. */
export async function startCounting(
  { primary, replicas }: ClusterInfo,
  witness: Witness,
): Promise<() => Promise<ServerCount[]>> {
  const nodes = [primary, ...replicas]
  const before = await Promise.all(nodes.map((node) => witness.ask(node)))
  return () =>
    Promise.all(
      nodes.map(async (node, index) => {
        const { calls, done, failed, written } = await witness.ask(node)
        const then = before[index]!
        return {
          id: node.id,
          isReplica: index > 0,
          calls,
          done: done - then.done,
          failed: failed - then.failed,
          written: written - then.written,
        }
      }),
    )
}

export type Verdict = 'primary-alone' | 'nobody' | 'a-replica'

/** Who wrote, by the servers' own count. */
export function whoWrote(counts: readonly ServerCount[]): Verdict {
  const wrote = counts.filter(({ written }) => written > 0)
  if (wrote.some(({ isReplica }) => isReplica)) return 'a-replica'
  return wrote.length === 0 ? 'nobody' : 'primary-alone'
}
