import type { Decision, Role, RoleRule } from '../routing/decision'
import { ShadowLog, type Noted } from './shadow-log'

/** What one node has done for this router. */
export interface NodeStats {
  readonly role: Role
  /** Statements run, since the router was made. */
  readonly statements: number
  /** Those that ended in an error. */
  readonly errors: number
  /** Those that run now. */
  readonly inFlight: number
}

/** A copy of the router's counters at one moment. */
export interface RouterStats {
  /** Scopes entered, without the ambient one. */
  readonly scopes: number
  /** Decisions, by the rule that made them. */
  readonly rules: Readonly<Partial<Record<RoleRule, number>>>
  /** Statements that a read-only replica refused and the primary was asked to run. */
  readonly refusedByReplica: number
  /** By node, as in `users:replica-2`. */
  readonly nodes: Readonly<Record<string, NodeStats>>
}

type NodeCounter = { -readonly [Key in keyof NodeStats]: NodeStats[Key] }

/** Plain counters, written on the way of every statement and copied when asked for. */
export class Counters {
  scopes = 0
  refusedByReplica = 0
  readonly shadow = new ShadowLog()
  readonly #rules = new Map<RoleRule, number>()
  readonly #nodes = new Map<string, NodeCounter>()

  addNode(id: string, role: Role): void {
    this.#nodes.set(id, { role, statements: 0, errors: 0, inFlight: 0 })
  }

  node(id: string): NodeCounter {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new Error(`No counter for node ${id}`)
    return node
  }

  decided(decision: Decision, statement: Noted): void {
    const { rule } = decision
    this.#rules.set(rule, (this.#rules.get(rule) ?? 0) + 1)
    if (rule === 'shadow') this.shadow.note(statement, decision)
  }

  snapshot(): RouterStats {
    return {
      scopes: this.scopes,
      rules: Object.fromEntries(this.#rules),
      refusedByReplica: this.refusedByReplica,
      nodes: Object.fromEntries([...this.#nodes].map(([id, node]) => [id, { ...node }])),
    }
  }
}
