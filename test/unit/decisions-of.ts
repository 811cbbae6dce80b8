import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Decision, DecisionEvent } from '../../src'

/** The decisions that were published while `fn` ran. */
export async function decisionsOf(fn: () => unknown): Promise<Decision[]> {
  const decisions: Decision[] = []
  const listen = (event: unknown): void => {
    decisions.push((event as DecisionEvent).decision)
  }
  subscribe('splitpool:decision', listen)
  try {
    await fn()
  } finally {
    unsubscribe('splitpool:decision', listen)
  }
  return decisions
}
