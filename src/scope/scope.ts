/** What a scope remembers of one database. */
interface Memory {
  /** The replica it is read from; picked once. */
  pin: string | undefined
  /** Whether it was written to. Positions will stand here, and reads return to replicas that have reached them. */
  written: boolean
  /** How many transactions are open on its primary. */
  open: number
}

/** What the application says of a scope, as its user: a balancer and a rollout may go by it. Add your own by declaration merging. */
export interface ScopeAttributes {
  readonly [name: string]: unknown
}

/** The attributes, or what gives them when they are first asked for. */
export type AttributeSource = ScopeAttributes | (() => ScopeAttributes)

const NO_ATTRIBUTES: ScopeAttributes = Object.freeze({})

/**
 * What splitpool remembers of one request, job or message, by database: the replica it reads from, whether it has
 * written, whether it has a transaction open. Code that runs in no scope shares the router's ambient one.
 */
export class Scope {
  readonly #memories = new Map<string, Memory>()
  readonly #attributes: AttributeSource

  constructor(attributes: AttributeSource = NO_ATTRIBUTES) {
    this.#attributes = attributes
  }

  /** As they are now: a request's user is known only after its first middleware. */
  get attributes(): ScopeAttributes {
    return typeof this.#attributes === 'function' ? this.#attributes() : this.#attributes
  }

  pin(alias: string): string | undefined {
    return this.#memories.get(alias)?.pin
  }

  /** Keeps the choice for as long as the scope lives. */
  setPin(alias: string, nodeId: string): void {
    this.#memory(alias).pin = nodeId
  }

  hasWritten(alias: string): boolean {
    return this.#memories.get(alias)?.written ?? false
  }

  setWritten(alias: string): void {
    this.#memory(alias).written = true
  }

  hasOpenTransaction(alias: string): boolean {
    return (this.#memories.get(alias)?.open ?? 0) > 0
  }

  transactionOpened(alias: string): void {
    this.#memory(alias).open++
  }

  transactionClosed(alias: string): void {
    this.#memory(alias).open--
  }

  #memory(alias: string): Memory {
    let memory = this.#memories.get(alias)
    if (memory === undefined) {
      memory = { pin: undefined, written: false, open: 0 }
      this.#memories.set(alias, memory)
    }
    return memory
  }
}
