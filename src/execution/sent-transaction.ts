import type { Decision } from '../routing/decision'
import type { Located } from './lease'

/** The transaction that is open on a connection because a statement opened it; not one of `router.transaction`. */
export class SentTransaction<L extends Located> {
  /** The statement that opened it, while it is open. */
  #openedBy: L | null = null
  /** Tells the scope that opened it on the primary that it has ended. */
  #close: (() => void) | null = null

  get isOpen(): boolean {
    return this.#openedBy !== null
  }

  /** Whether this statement opened it, and nothing has ended it since. */
  isOf(located: L): boolean {
    return this.#openedBy === located
  }

  /** Follows a statement that is about to run; says what it does to the transaction. */
  follow(located: L, { alias, role }: Decision): 'opens' | 'ends' | null {
    const { scope, classification } = located
    const { transaction } = classification
    if (transaction === null || transaction.kind === 'savepoint') return null
    if (transaction.kind !== 'begin') {
      if (transaction.chain) return null
      this.ended()
      return 'ends'
    }
    if (this.#openedBy !== null) return null
    this.#openedBy = located
    if (role === 'primary') {
      scope.transactionOpened(alias)
      this.#close = () => {
        scope.transactionClosed(alias)
      }
    }
    return 'opens'
  }

  ended(): void {
    this.#openedBy = null
    this.#close?.()
    this.#close = null
  }
}
