import type { Knex } from 'knex'

/** Under which a routed client has what runs a function with all its reads on the primary. */
export const ON_PRIMARY = Symbol.for('splitpool.knex.primary')
const FRAMED = Symbol.for('splitpool.knex.framed')

type Method = (this: { readonly knex?: Knex }, ...args: unknown[]) => unknown

/**
 * Makes the public methods of Knex's migrator and seeder run on the primary whole, when their client is a routed one:
 * they read before they write, and what they read decides what they write. Knex makes both anew at each `knex.migrate`,
 * so this is done to their classes, once.
 */
export function frameMigrations({ migrate, seed }: Pick<Knex, 'migrate' | 'seed'>): void {
  for (const { constructor } of [migrate, seed]) frame(constructor.prototype as Record<PropertyKey, unknown>)
}

function frame(prototype: Record<PropertyKey, unknown>): void {
  if (Object.hasOwn(prototype, FRAMED)) return
  Object.defineProperty(prototype, FRAMED, { value: true })
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const method = prototype[name]
    if (name === 'constructor' || name.startsWith('_') || typeof method !== 'function') continue
    const framed: Method = function (...args) {
      const call = (): unknown => Reflect.apply(method, this, args)
      const client = this.knex?.client as { [ON_PRIMARY]?: (fn: () => unknown) => unknown } | undefined
      return client?.[ON_PRIMARY] === undefined ? call() : client[ON_PRIMARY](call)
    }
    Object.defineProperty(prototype, name, { value: framed, writable: true, configurable: true })
  }
}
