import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Outcome } from './outcome'
import { KEPT_ROWS } from './outcome'

/** The part of pg's connection that a query of our own calls. */
interface Connection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

interface ServerError {
  readonly code?: string
  readonly message: string
}

/**
 * A text sent through the simple protocol, as psql sends it, with `COPY … FROM stdin` fed from the script and values
 * kept as the server wrote them.
 */
class ScriptQuery {
  #columns: readonly string[] = []
  readonly #rows: string[] = []
  #rowCount = 0
  #error: ServerError | null = null

  constructor(
    readonly text: string,
    readonly copyData: () => string,
  ) {}

  /** Of what has arrived by now; `null` before anything has. */
  get outcome(): Outcome {
    if (this.#error !== null) return refusal(this.#error)
    return { kind: 'answered', columns: this.#columns, rows: this.#rows, rowCount: this.#rowCount }
  }

  get failed(): boolean {
    return this.#error !== null
  }

  submit(connection: Connection): void {
    connection.query(this.text)
  }
  handleRowDescription(message: { fields: readonly { name: string }[] }): void {
    this.#columns = message.fields.map((field) => field.name)
  }
  handleDataRow(message: { fields: readonly (string | null)[] }): void {
    this.#rowCount++
    if (this.#rows.length < KEPT_ROWS) this.#rows.push(JSON.stringify(message.fields))
  }
  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyInResponse(connection: Connection): void {
    connection.sendCopyFromChunk(Buffer.from(this.copyData()))
    connection.endCopyFrom()
  }
  handleCopyData(): void {}
  handleError(error: ServerError): void {
    this.#error ??= error
  }
  handleReadyForQuery(): void {}
}

/** SQLSTATEs that say "not here" beside 25006, when the message speaks of recovery. */
const NOT_ON_A_STANDBY = new Set(['0A000', '55000', 'XX000', '25001', '25000'])

function refusal(error: ServerError): Outcome {
  const code = error.code ?? 'lost'
  const readOnly =
    code === '25006' || (NOT_ON_A_STANDBY.has(code) && /recovery|standby|read-only/i.test(error.message))
  return { kind: readOnly ? 'refused' : 'failed', code, message: error.message }
}

const RESTART_MS = 15_000
const RESTARTING = new Set(['57P03', 'ECONNREFUSED', 'ECONNRESET'])

/** How a session is opened, and what is done again after a script has changed settings. */
export interface SessionOptions {
  readonly connectionString: string
  readonly settings: Readonly<Record<string, string>>
  /** A client-side limit for a server that does not answer. */
  readonly patienceMs: number
}

/** One connection that survives what a regression script does to it: it is opened again when it breaks. */
export class PostgresSession {
  readonly #options: SessionOptions
  #client: pg.Client | null = null
  /** Called when the server is ready for the next query: only then is its transaction status known. */
  #ready: () => void = () => undefined
  /** Called when the connection is gone. */
  #lost: (message: string) => void = () => undefined
  #status = 'I'
  standardStrings = true

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** As the protocol says it: idle, in a transaction, in a failed one. */
  get transactionStatus(): string {
    return this.#status
  }

  async run(sql: string, copyData: () => string = () => ''): Promise<Outcome> {
    try {
      this.#client ??= await this.#open()
    } catch (error) {
      return { kind: 'failed', code: 'no session', message: String(error) }
    }
    const client = this.#client
    const query = new ScriptQuery(sql, copyData)
    client.query(query as unknown as pg.Submittable)
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#drop(client, 'no answer')
      }, this.#options.patienceMs)
      const settle = (outcome: Outcome): void => {
        clearTimeout(timer)
        this.#ready = this.#lost = () => undefined
        resolve(outcome)
      }
      this.#ready = () => {
        settle(query.outcome)
      }
      this.#lost = (message) => {
        settle(query.failed ? query.outcome : { kind: 'failed', code: 'lost', message })
      }
    })
  }

  /** Time limits are part of the session, so a script that resets settings would lift them. */
  async restoreLimits(): Promise<void> {
    const limits = Object.entries(this.#options.settings).filter(([name]) => name.endsWith('_timeout'))
    await this.run(limits.map(([name, value]) => `SET ${name} = ${value}`).join('; '))
  }

  /** The next statement opens a new connection. */
  async close(): Promise<void> {
    const client = this.#client
    this.#forget()
    await client?.end().catch(() => undefined)
  }

  #forget(): void {
    this.#client = null
    this.#status = 'I'
    this.standardStrings = true
  }

  #drop(client: pg.Client, why: string): void {
    if (this.#client !== client) return
    this.#forget()
    this.#lost(why)
    const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection
    stream.destroy()
  }

  /** A server that a script has crashed is back within seconds. */
  async #open(): Promise<pg.Client> {
    const deadline = performance.now() + RESTART_MS
    for (;;) {
      try {
        return await this.#connect()
      } catch (error) {
        const { code } = error as { code?: string }
        if ((code !== undefined && !RESTARTING.has(code)) || performance.now() > deadline) throw error
        await sleep(200)
      }
    }
  }

  async #connect(): Promise<pg.Client> {
    const options = Object.entries(this.#options.settings)
      .map(([name, value]) => `-c ${name}=${value.replace(/[\\ ]/g, '\\$&')}`)
      .join(' ')
    const client = new pg.Client({ connectionString: this.#options.connectionString, options })
    client.on('error', () => {
      this.#drop(client, 'connection error')
    })
    client.on('end', () => {
      this.#drop(client, 'connection ended')
    })
    await client.connect()
    const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
    connection.on('readyForQuery', (message: { status: string }) => {
      this.#status = message.status
      this.#ready()
    })
    connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
      if (message.parameterName === 'standard_conforming_strings')
        this.standardStrings = message.parameterValue === 'on'
    })
    return client
  }
}
