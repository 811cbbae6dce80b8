/** What the application says of a scope, as its user: a balancer and a rollout may go by it. Add your own by declaration merging. */
export interface ScopeAttributes {
  readonly [name: string]: unknown
}

/** The attributes, or what gives them when they are asked for. */
export type AttributeSource = ScopeAttributes | (() => ScopeAttributes | undefined)

/** A function of the application's that gives the key of a scope: a text or a number, or nothing where there is none. */
export type ScopeKey = (attributes: ScopeAttributes) => unknown
