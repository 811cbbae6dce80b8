import {
  createConnection,
  type Connection,
  type ConnectionOptions,
  type FieldPacket,
  type ResultSetHeader,
} from 'mysql2'
import type { MysqlDialect } from './mysql-suite'
import { KEPT_ROWS, type Outcome } from './outcome'

export interface MysqlSessionOptions {
  readonly dialect: MysqlDialect
  readonly connection: ConnectionOptions
  /** Statements that open a session, and are repeated after a script has changed its settings. */
  readonly limits: readonly string[]
  readonly patienceMs: number
  /** Ends a connection on the server. */
  readonly kill: (threadId: number) => Promise<void>
}

/** The server is read only; the session is; the replica's thread would be harmed. */
const READ_ONLY_ERRORS = new Set([1290, 1792, 1836])

/** Two bits of the status that every answer of the server carries. */
const IN_TRANSACTION = 1
const AUTOCOMMIT = 2

/** One connection that survives what a test script does to it: it is opened again when it breaks. */
export class MysqlSession {
  readonly #options: MysqlSessionOptions
  #connection: Connection | null = null
  #status = AUTOCOMMIT

  constructor(options: MysqlSessionOptions) {
    this.#options = options
  }

  get inTransaction(): boolean {
    return (this.#status & IN_TRANSACTION) !== 0
  }

  get autocommit(): boolean {
    return (this.#status & AUTOCOMMIT) !== 0
  }

  async run(sql: string): Promise<Outcome> {
    this.#connection ??= await this.#open()
    return this.#query(this.#connection, sql)
  }

  async restoreLimits(): Promise<void> {
    for (const limit of this.#options.limits) await this.run(limit)
  }

  /** The next statement opens a new connection. */
  close(): void {
    this.#connection?.destroy()
    this.#connection = null
    this.#status = AUTOCOMMIT
  }

  #query(connection: Connection, sql: string): Promise<Outcome> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const { threadId } = connection
        this.close()
        void this.#options.kill(threadId).then(() => {
          resolve({ kind: 'failed', code: 'lost', message: 'no answer' })
        })
      }, this.#options.patienceMs)
      const query = {
        sql,
        rowsAsArray: true,
        typeCast: (field: { buffer(): Buffer | null }) => field.buffer()?.toString('latin1') ?? null,
      }
      connection.query(query as never, (error, result: unknown, fields: unknown) => {
        clearTimeout(timer)
        if (error === null) {
          this.#noteStatus(result)
          resolve(answer(result, fields))
          return
        }
        if (error.fatal) this.close()
        resolve(refusal(error))
      })
    })
  }

  /** mysql2 tells the status with answers that have no rows; a query without a transaction changes none of it. */
  #noteStatus(result: unknown): void {
    const last: unknown = Array.isArray(result) && isHeader(result.at(-1)) ? result.at(-1) : result
    if (isHeader(last)) this.#status = last.serverStatus
  }

  async #open(): Promise<Connection> {
    // Hardly any two statements have the same columns: compiling a parser for each would cost more than it saves.
    const connection = createConnection({
      ...this.#options.connection,
      multipleStatements: true,
      disableEval: true,
    })
    connection.on('error', () => {
      if (this.#connection === connection) this.close()
    })
    await new Promise<void>((resolve, reject) => {
      connection.connect((error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
    for (const limit of this.#options.limits) await this.#query(connection, limit)
    return connection
  }
}

type Header = ResultSetHeader & { readonly serverStatus: number }

function isHeader(result: unknown): result is Header {
  return typeof result === 'object' && result !== null && 'serverStatus' in result
}

function answer(result: unknown, fields: unknown): Outcome {
  const several = Array.isArray(fields) && fields.some((field) => Array.isArray(field) || field === undefined)
  const sets = (several ? (result as unknown[]) : [result]).filter(Array.isArray) as unknown[][]
  const rows = sets.flat()
  const columns = (several ? [] : ((fields as FieldPacket[] | undefined) ?? [])).map((field) => field.name)
  return {
    kind: 'answered',
    columns,
    rows: rows.slice(0, KEPT_ROWS).map((row) => JSON.stringify(row)),
    rowCount: rows.length,
  }
}

function refusal({ errno, code, message }: NodeJS.ErrnoException): Outcome {
  const readOnly = READ_ONLY_ERRORS.has(errno ?? 0) && /read[-_ ]?only/i.test(message)
  return { kind: readOnly ? 'refused' : 'failed', code: String(errno ?? code), message }
}
