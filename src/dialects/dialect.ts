/** The SQL flavours that splitpool knows. */
export type Dialect = 'postgres' | 'mysql' | 'mariadb'

export const DIALECTS: readonly Dialect[] = ['postgres', 'mysql', 'mariadb']
