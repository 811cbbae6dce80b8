/** Which database each object of the application's came from: Django's `_state.db`. Held weakly. */
export class Instances {
  readonly #aliases = new WeakMap<object, string>()

  track(instance: object, alias: string): void {
    this.#aliases.set(instance, alias)
  }

  /** The alias of the database; `null` for what is not tracked. */
  aliasOf(instance: unknown): string | null {
    return this.#aliases.get(instance as object) ?? null
  }
}
