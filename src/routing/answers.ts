/** Where a router of splitpool's own keeps the aliases that it may answer with, so that they are checked at creation. */
export const ANSWERS = Symbol('splitpool: the aliases that a router may answer with')
