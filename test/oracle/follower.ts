import type { MysqlDialect, RunAsAdmin } from './mysql-suite'

/** Asks where the primary is, and waits on the replica until it is there. */
const POSITION: Readonly<Record<MysqlDialect, string>> = {
  mysql: 'SELECT @@gtid_executed AS position',
  mariadb: 'SELECT @@gtid_binlog_pos AS position',
}
const WAIT: Readonly<Record<MysqlDialect, string>> = {
  mysql: 'WAIT_FOR_EXECUTED_GTID_SET',
  mariadb: 'MASTER_GTID_WAIT',
}

const PATIENCE_S = 2
/** An update of many rows without a key takes the replica a minute. */
const MOST_NUDGES = 60

/** The replica as a follower of its primary, through what the scripts do to it. */
export class Follower {
  readonly #dialect: MysqlDialect
  readonly #admin: RunAsAdmin
  #nudge: Promise<void> | null = null

  constructor(dialect: MysqlDialect, admin: RunAsAdmin) {
    this.#dialect = dialect
    this.#admin = admin
  }

  /** Resolves once the replica has applied what the primary has committed by now. */
  async catchUp(): Promise<void> {
    const [primary] = (await this.#admin('primary', POSITION[this.#dialect])) as { position: string }[]
    for (let nudges = 0; nudges < MOST_NUDGES; nudges++) {
      const wait = `SELECT ${WAIT[this.#dialect]}('${primary!.position}', ${PATIENCE_S}) AS late`
      const [answer] = (await this.#admin('replica', wait)) as { late: number | null }[]
      if (answer!.late === 0) return
      await (this.#nudge ??= this.#goOn().finally(() => (this.#nudge = null)))
    }
    throw new Error(
      `The ${this.#dialect} replica no longer follows: ${(await this.#status()).Last_SQL_Error}`,
    )
  }

  async #goOn(): Promise<void> {
    // Some session may hold a lock that its script has not let go; its next statement opens a new one.
    const sessions = await this.#admin(
      'replica',
      `SELECT id FROM information_schema.processlist WHERE user = 'oracle'`,
    )
    for (const { id } of sessions as { id: number }[])
      await this.#admin('replica', `KILL ${id}`).catch(() => [])
    // MariaDB cannot be told to skip every error beforehand: a row for a table that the replica could not create, since
    // the script's session had another default engine, stops it.
    if (this.#dialect !== 'mariadb' || (await this.#status()).Slave_SQL_Running === 'Yes') return
    await this.#admin('replica', 'STOP REPLICA')
    await this.#admin('replica', 'SET GLOBAL sql_slave_skip_counter = 1')
    await this.#admin('replica', 'START REPLICA')
  }

  async #status(): Promise<{ Last_SQL_Error: string; Slave_SQL_Running?: string }> {
    const [status] = await this.#admin('replica', 'SHOW REPLICA STATUS')
    return status as { Last_SQL_Error: string }
  }
}
