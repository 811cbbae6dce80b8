import { type Effect, READ } from './word-table'

/** The gravest thing that a statement is known to do, and why, in a few words. */
export class GravestEffect {
  effect: Effect = READ
  reason = ''

  clear(): void {
    this.effect = READ
    this.reason = ''
  }

  /** Notes that the statement does something. The gravest counts, and of equals the first. */
  raise(effect: Effect, reason: string): void {
    if (effect > this.effect) this.#set(effect, reason)
  }

  /** Says what the statement is, as long as nothing else has been said of it. */
  describe(reason: string): void {
    if (this.reason === '') this.reason = reason
  }

  /** Takes back what was noted beyond `effect`: it happens another time. */
  limit(effect: Effect, reason: string): void {
    if (this.effect > effect) this.#set(effect, reason)
  }

  #set(effect: Effect, reason: string): void {
    this.effect = effect
    this.reason = reason
  }
}
