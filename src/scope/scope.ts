/** What a scope remembers of one database. */
interface Memory {
  /** The replica it is read from; picked once. */
  pin: string | undefined
  /** Whether it was written to. Positions will stand here, and reads return to replicas that have reached them. */
  written: boolean
  /** How many transactions are open on its primary. */
  open: number
}

/**
 * What splitpool remembers of one request, job or message, by database: the replica it reads from, whether it has
 * written, whether it has a transaction open. Code that runs in no scope shares the router's ambient one.
 */
export class Scope {
  readonly #memories = new Map<string, Memory>()

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
