import type { Way } from './run-suites'

/** A test of Knex's that ends otherwise over splitpool, and why that is right. */
export interface KnownDifference {
  /** A part of its name. */
  readonly name: string
  readonly ways: readonly Way[]
  readonly why: string
}

const CLIENT: readonly Way[] = ['ambient', 'scoped', 'statements']

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    name: 'should emit an error rather than crash when the stream cannot acquire a connection (#6460)',
    ways: CLIENT,
    why: 'it fills a pool of one with a borrowed connection; here that takes none before its first statement',
  },
  {
    name: 'mysql2 - connection string with string SSL profile',
    ways: [...CLIENT, 'pool'],
    why: 'mysql2 refuses the unknown profile when the router is made, and not at the first statement',
  },
  {
    name: 'mysql2 uses correct port for connecting',
    ways: ['pool'],
    why: 'there is no connection before the statement, whose error Knex gives the statement’s text',
  },
  {
    name: 'should cancel slow query even if connection pool is exhausted',
    ways: ['scoped', 'statements'],
    why: 'it looks for the sleeping query in the list of one server, and two Knexes read from two',
  },
  {
    name: '#1040, #1171 - When pool is filled with transaction connections',
    ways: ['statements'],
    why: 'it fills a pool of one with a transaction; the read beside it is a replica’s, whose pool has a free connection',
  },
]

export function known(name: string, way: Way): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find(
    (difference) => difference.ways.includes(way) && name.includes(difference.name),
  )
}
