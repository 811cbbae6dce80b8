// What `@prisma/adapter-mariadb` calls on the pool of the `mariadb` driver, over a pool of mysql2.
import { TypedParameter, Types, type Pool, type TypeCastField, type TypeCastNext } from 'mysql2'
import type { ExecuteValues, FieldPacket, PoolConnection, QueryOptions } from 'mysql2/promise'

/** A call of the adapter's. `typeCast` and `dateStrings` mean to mysql2 what they mean to `mariadb`. */
type Command = QueryOptions & { readonly sql: string }

/** The adapter maps types by the name that `mariadb` has for them, and tells bytes from text by the collation. */
interface Field {
  name(): string
  readonly type: string | undefined
  readonly flags: number | undefined
  readonly collation: { readonly index: number | undefined }
}

/** Rows as arrays, or what a write did, with the columns beside them. */
type Answer = (unknown[] | { readonly affectedRows: number; readonly insertId: number | string }) & {
  meta?: readonly Field[]
}

interface Connection {
  query(command: Command, values?: readonly unknown[]): Promise<Answer>
  execute(command: Command, values?: readonly unknown[]): Promise<Answer>
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
  release(): Promise<void>
}

interface MariadbPool extends Pick<Connection, 'query' | 'execute'> {
  getConnection(): Promise<Connection>
  end(): Promise<void>
}

/** Whole numbers beyond 2^53, decimals and JSON come as text. */
function asMariadb({ typeCast, ...command }: Command): QueryOptions {
  return {
    ...command,
    supportBigNumbers: true,
    bigNumberStrings: true,
    typeCast: (field: TypeCastField, next: TypeCastNext) => {
      if (field.type === 'JSON') return field.string('utf8')
      return typeof typeCast === 'function' ? typeCast(field, next) : next()
    },
  }
}

/** The two types that `mariadb` calls otherwise. */
const NAMES: Readonly<Record<string, string>> = { LONG: 'INT', LONGLONG: 'BIGINT' }

/** `new PrismaMariaDb(mariadbPool(router.pool()))` */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the pool of `mariadb`, which is the adapter's to import
export function mariadbPool<P>(given: Pool): P {
  const pool = given.promise()
  const shaped: MariadbPool = {
    ...calls(pool),
    getConnection: async () => {
      const connection = await pool.getConnection()
      return {
        ...calls(connection),
        on: (event, listener) => connection.on(event, listener),
        off: (event, listener) => connection.off(event, listener),
        release: () => {
          connection.release()
          return Promise.resolve()
        },
      }
    },
    end: () => pool.end(),
  }
  return shaped as P
}

function calls(on: Pick<PoolConnection, 'query' | 'execute'>): Pick<Connection, 'query' | 'execute'> {
  const call =
    (method: 'query' | 'execute') =>
    async (command: Command, values: readonly unknown[] = []): Promise<Answer> => {
      const options = asMariadb(command)
      const [result, fields] = await (method === 'query'
        ? on.query(options, [...values])
        : on.execute(options, values.map(parameter)))
      // The second is undefined after a write, whatever the types say.
      const meta = (fields as FieldPacket[] | undefined)?.map(field)
      return Object.assign(result as Answer, meta && { meta })
    }
  return { query: call('query'), execute: call('execute') }
}

/** mysql2 sends whole numbers to a prepared statement as doubles, and big ones as text. */
function parameter(value: unknown): ExecuteValues {
  const whole =
    Number.isSafeInteger(value) || (typeof value === 'bigint' && BigInt.asIntN(64, value) === value)
  return (whole ? TypedParameter.LONGLONG(value as number | bigint) : value) as ExecuteValues
}

function field({ name, columnType, flags, characterSet }: FieldPacket): Field {
  const type =
    columnType === undefined ? undefined : (Types as unknown as Readonly<Record<number, string>>)[columnType]
  return {
    name: () => name,
    type: type === undefined ? undefined : (NAMES[type] ?? type),
    flags: flags as number | undefined,
    collation: { index: characterSet },
  }
}
