import type { Case } from './case'
import { ends } from './ends'
import { reads } from './reads'
import { transactions } from './transactions'
import { writes } from './writes'

/** What is asked of every ORM, in the order of the table. Closing is a case of its own; see `describe-orm.ts`. */
export const CASES: readonly Case[] = [...reads, ...writes, ...transactions, ...ends]

export const CLOSING = 'closing the ORM and the router leaves no connection behind'
