import { Client, Pool, type PoolClient, type PoolConfig } from 'pg'
import { readOnlySession } from '../../dialects/begin'
import { foundWritable, WRITABLE } from '../../dialects/writable'
import type { Connection, Connector, NodeEvents, NodeIdentity, ServerIdentity } from '../adapter'
import type { NodeSettings } from '../resolve-node'

const READ_ONLY_SESSION = '-c default_transaction_read_only=on'

/** One PostgreSQL server through a `pg.Pool`. */
export class PgConnector implements Connector {
  readonly native: Pool
  readonly #made: boolean
  /** What was hung on the pool, to be taken off again where the pool lives on. */
  readonly #stops: (() => void)[] = []
  /** What was made of its clients when they were first lent; those of an application's pool are left as they were. */
  readonly #lent = new WeakMap<PoolClient, PgConnection>()
  #ended: Promise<void> | null = null

  constructor(settings: NodeSettings, { id, role }: NodeIdentity, events: NodeEvents) {
    this.#made = settings.kind === 'options'
    this.native =
      settings.kind === 'pool' ? (settings.pool as Pool) : new Pool(poolConfig(settings, role === 'replica'))
    // pg emits the loss of an idle connection as 'error', which without a listener ends the process.
    this.native.on('error', ignore)
    this.#stops.push(() => this.native.off('error', ignore))
    if (role === 'replica') {
      const writable = (found: string): void => {
        events.writableReplica(id, found)
      }
      this.#stops.push(onNewConnection(this.native, this.#made ? askOnce(writable) : makeReadOnly(writable)))
      if (!this.#made) this.#stops.push(makeOpenSessionsReadOnly(this.native))
    }
  }

  get server(): ServerIdentity | null {
    return serverOf(this.native)
  }

  connect(): Promise<Connection> {
    return this.native.connect().then((client) => {
      if (!this.#made) return new PgConnection(client, false)
      let connection = this.#lent.get(client)
      if (connection === undefined) this.#lent.set(client, (connection = new PgConnection(client, true)))
      return connection
    })
  }

  end(): Promise<void> {
    if (!this.#made) {
      for (const stop of this.#stops.splice(0)) stop()
      return Promise.resolve()
    }
    this.#ended ??= this.native.ending ? Promise.resolve() : this.native.end()
    return this.#ended
  }
}

/** One borrowed client; what is made of a client of our own pool stays with it, and is lent with it again. */
class PgConnection implements Connection {
  readonly native: PoolClient
  readonly #stays: boolean
  #lost = false
  readonly #lose = (): void => {
    this.#lost = true
  }

  constructor(native: PoolClient, stays: boolean) {
    this.native = native
    this.#stays = stays
    // A borrowed client has no listener of the pool's; losing its connection must not end the process.
    native.on('error', this.#lose)
    native.on('end', this.#lose)
  }

  get lost(): boolean {
    return this.#lost
  }

  async run(sql: string): Promise<string | undefined> {
    const { command } = await this.native.query(sql)
    return command
  }

  release(error?: unknown): void {
    if (!this.#stays) {
      this.native.off('error', this.#lose)
      this.native.off('end', this.#lose)
    }
    this.native.release(error === undefined ? undefined : error instanceof Error ? error : true)
  }
}

/** What pg makes of the pool's options: URL, libpq's variables, defaults. A client that is not connected opens nothing. */
function serverOf(pool: Pool): ServerIdentity | null {
  // Another pool in the driver's clothes may go anywhere.
  if ((pool.options as PoolConfig | undefined) === undefined) return { server: pool, schema: null }
  try {
    const { host, port, database } = new Client(pool.options)
    return { server: `postgres://${host}:${port}/${database ?? ''}`, schema: null }
  } catch {
    // Options that pg cannot read are an error of the statement that needs a connection.
    return null
  }
}

/** The options of the node's pool; a replica's sessions begin read only, which costs no round trip. */
function poolConfig(
  { url, options }: Extract<NodeSettings, { kind: 'options' }>,
  readOnly: boolean,
): PoolConfig {
  const given: PoolConfig = url === null ? options : { ...options, connectionString: url }
  if (!readOnly) return given
  // pg lets what the URL says win over the options beside it, so the setting goes where it holds.
  const parsed =
    given.connectionString !== undefined && URL.canParse(given.connectionString)
      ? new URL(given.connectionString)
      : null
  const inUrl = parsed?.searchParams.get('options') ?? null
  if (parsed !== null && inUrl !== null) {
    parsed.searchParams.set('options', `${inUrl} ${READ_ONLY_SESSION}`)
    return { ...given, connectionString: parsed.href }
  }
  const before = given.options ?? process.env['PGOPTIONS']
  return { ...given, options: before === undefined ? READ_ONLY_SESSION : `${before} ${READ_ONLY_SESSION}` }
}

/** Something to do on a connection before anybody gets it. */
type Greeting = (client: PoolClient) => Promise<unknown>

const READ_ONLY = readOnlySession('postgres')

/**
 * Greets every new connection through pg-pool's `verify`, which hands it out only afterwards, and after a `verify` of
 * the application's. A greeting that fails is nobody's failure: the statement that follows will tell.
 *
 * @returns what ends it, also where another router has put a `verify` of its own around this one since
 */
function onNewConnection(pool: Pool, greet: Greeting): () => void {
  const options: PoolConfig = pool.options
  const { verify } = options
  let stopped = false
  const greeting: NonNullable<PoolConfig['verify']> = (client, done) => {
    const greeted = stopped ? Promise.resolve() : greet(client)
    greeted.catch(ignore).finally(() => {
      if (verify === undefined) done()
      else verify(client, done)
    })
  }
  options.verify = greeting
  return () => {
    stopped = true
    if (options.verify !== greeting) return
    if (verify === undefined) delete options.verify
    else options.verify = verify
  }
}

/** Asks the first connection of a pool whether its server is a standby. */
function askOnce(writable: (found: string) => void): Greeting {
  let asked = false
  return async (client) => {
    if (asked) return
    asked = true
    const { rows } = await client.query<object>(WRITABLE.postgres.sql)
    const found = foundWritable(WRITABLE.postgres, rows[0])
    if (found !== undefined) writable(found)
  }
}

/** For a pool that the application made, whose options are given: sets the session, then asks. */
function makeReadOnly(writable: (found: string) => void): Greeting {
  const ask = askOnce(writable)
  return async (client) => {
    await client.query(READ_ONLY)
    await ask(client)
  }
}

/** The connections that an application's pool has open already: at their next use, before the statement of it. */
function makeOpenSessionsReadOnly(pool: Pool): () => void {
  const done = new WeakSet()
  const opened = (client: PoolClient): void => {
    done.add(client)
  }
  const acquired = (client: PoolClient): void => {
    if (done.has(client)) return
    done.add(client)
    client.query(READ_ONLY).catch(ignore)
  }
  pool.on('connect', opened)
  pool.on('acquire', acquired)
  return () => {
    pool.off('connect', opened)
    pool.off('acquire', acquired)
  }
}

function ignore(): void {
  // Whoever runs a statement on the connection learns of it from the statement.
}
