import type { Dialect } from './dialect'

/** What a server is asked to learn whether it takes writes, and what each value of its answer means when it is off. */
export interface WritableQuestion {
  readonly sql: string
  readonly whenOff: readonly string[]
}

const READ_ONLY_OFF = 'read_only is off'

/** By dialect: a replica that takes writes from somebody is told by one of these. */
export const WRITABLE: Readonly<Record<Dialect, WritableQuestion>> = {
  postgres: {
    sql: 'SELECT pg_is_in_recovery() AS recovers',
    whenOff: ['it is not in recovery, so it is no standby'],
  },
  mysql: {
    sql: 'SELECT @@read_only AS refuses, @@super_read_only AS refuses_all',
    whenOff: [
      READ_ONLY_OFF,
      'super_read_only is off, so privileged accounts, and procedures that run as one, write to it',
    ],
  },
  mariadb: { sql: 'SELECT @@read_only AS refuses', whenOff: [READ_ONLY_OFF] },
}

/** MariaDB 12 gives a level by its name (`OFF`, `ON`, `NO_LOCK`, …), the others a boolean, 0 or 1. */
const OFF: readonly unknown[] = [false, 0, '0', 'OFF']

/** What the answer to the question says of a server that takes writes; nothing of one that refuses them. */
export function foundWritable({ whenOff }: WritableQuestion, row: object | undefined): string | undefined {
  return whenOff[Object.values(row ?? {}).findIndex((value) => OFF.includes(value))]
}
