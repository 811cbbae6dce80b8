import type { ReadFrom } from '../routing/read-from'
import type { AttributeSource, ScopeAttributes } from '../routing/scope-attributes'
import { attributesFrom } from './scope-options'

/** What a scope remembers of one database. */
interface Memory {
  /** The node it is read from; picked once. */
  pin: string | undefined
  /** The same for reads that ask for groups of nodes, by their list; none until the first of them. */
  pinsByGroups: Map<string, string> | undefined
  /** Whether it was written to. Positions will stand here, and reads return to replicas that have reached them. */
  written: boolean
  /** How many transactions are open on its primary. */
  open: number
}

const NO_ATTRIBUTES: ScopeAttributes = Object.freeze({})

/**
 * What splitpool remembers of one request, job or message, by database: the node it reads from, whether it has
 * written, whether it has a transaction open. Code that runs in no scope shares the router's ambient one.
 */
export class Scope {
  readonly #memories = new Map<string, Memory>()
  readonly #attributes: AttributeSource
  /** The scope of the request inside which this one was opened, which may be itself; `null` outside of requests. */
  home: Scope | null

  constructor(attributes: AttributeSource = NO_ATTRIBUTES, home: Scope | null = null) {
    this.#attributes = attributes
    this.home = home
  }

  /**
   * As they are now: a request's user is known only after its first middleware.
   *
   * @throws {SplitpoolError} `ERR_INVALID_OPTION` for an answer that is no object with keys; and what the function throws
   */
  get attributes(): ScopeAttributes {
    if (typeof this.#attributes !== 'function') return this.#attributes
    const given: unknown = this.#attributes()
    return given == null ? NO_ATTRIBUTES : attributesFrom(given, 'an object from the function')
  }

  pin(alias: string, readFrom: ReadFrom | null): string | undefined {
    const memory = this.#memories.get(alias)
    return readFrom === null ? memory?.pin : memory?.pinsByGroups?.get(JSON.stringify(readFrom))
  }

  /** Keeps the choice for as long as the scope lives. */
  setPin(alias: string, readFrom: ReadFrom | null, nodeId: string): void {
    const memory = this.#memory(alias)
    if (readFrom === null) memory.pin = nodeId
    else (memory.pinsByGroups ??= new Map()).set(JSON.stringify(readFrom), nodeId)
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
      memory = { pin: undefined, pinsByGroups: undefined, written: false, open: 0 }
      this.#memories.set(alias, memory)
    }
    return memory
  }
}
