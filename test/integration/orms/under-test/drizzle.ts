import { DrizzleQueryError } from 'drizzle-orm'
import type { OrmUnderTest } from '../orm-under-test'
import { drizzleMysql } from './drizzle-mysql'
import { drizzlePostgres } from './drizzle-postgres'

export const drizzle: OrmUnderTest = {
  name: 'Drizzle',
  package: 'drizzle-orm',
  postgres: async (router) => ({ ...(await drizzlePostgres(router)), isDuplicate: isDuplicate('23505') }),
  mysql: async (router) => ({ ...(await drizzleMysql(router)), isDuplicate: isDuplicate('ER_DUP_ENTRY') }),
  lacks: [
    { operation: 'stream', dialect: 'postgres', reason: 'no streams on PostgreSQL' },
    { operation: 'leavesStreams', dialect: 'postgres', reason: 'no streams on PostgreSQL' },
    {
      operation: 'leavesStreams',
      dialect: 'mysql',
      reason: 'an iterator that is left keeps its connection for ever, on a pool of mysql2 too',
    },
  ],
}

function isDuplicate(code: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof DrizzleQueryError && (error.cause as { code?: unknown } | undefined)?.code === code
}
