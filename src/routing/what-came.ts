/**
 * What a function of the application's gave, for the message that refuses it. Of a promise that is refused nobody will ask
 * how it ended, and a rejection that nobody hears of ends the process: it is heard of here.
 */
export function whatCame(given: unknown): string {
  if (given === undefined || given === null || typeof given === 'boolean') return String(given)
  if (typeof given === 'number') return Number.isFinite(given) ? 'a number' : String(given)
  if (typeof given !== 'object') return `a ${typeof given}`
  if (Array.isArray(given)) return 'an array'
  const { then, id } = given as { readonly then?: unknown; readonly id?: unknown }
  if (typeof then === 'function') {
    hearOf(given)
    return 'a promise'
  }
  return typeof id === 'string' ? `an object with the id ${JSON.stringify(id.slice(0, 80))}` : 'an object'
}

/** Not of a query that runs when it is awaited: those have a tag of their own, or none. */
function hearOf(given: object): void {
  if (Object.prototype.toString.call(given) !== '[object Promise]') return
  Promise.resolve(given).catch(() => undefined)
}
