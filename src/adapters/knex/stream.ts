import type { Readable, Writable } from 'node:stream'
import { captureContext } from '../capture-context'
import type { ErrorClass } from '../adapter'
import { afterDelivery, classifyError as classifyPgError } from '../pg/errors'
import { afterRows, classifyError as classifyMysqlError } from '../mysql2/errors'
import type { Dialect } from '../../dialects/dialect'

/** How the errors of a driver read, and how one is marked that came when rows had been handed on. */
interface Errors {
  classify(error: unknown): ErrorClass
  afterRows(error: Error): unknown
}

/**
 * The stream that the application reads, on its way from attempt to attempt. Knex's dialects emit on it the error of
 * the statement: the refusal of a replica, which sent no row yet, is kept from it, since the primary is asked next.
 */
export class Output {
  readonly #target: Writable
  readonly #errors: Errors
  readonly #emit: (event: string, ...values: unknown[]) => boolean
  #source: Readable | null = null
  /** The error that the dialect has told of. */
  #told: unknown = null
  /** The error that it must not tell of any more: some versions of Knex do so only when they have rejected with it. */
  #kept: unknown = null

  constructor(target: Writable, dialect: Dialect) {
    this.#target = target
    this.#errors = ERRORS[dialect]
    // Events are the reader's, in whose scope the connection was not opened.
    const inContext = captureContext()
    const emit = target.emit.bind(target)
    this.#emit = (event, ...values) => inContext(() => emit(event, ...values))
    target.emit = (event: string | symbol, ...values: unknown[]): boolean => {
      if (event === 'pipe') this.#source = values[0] as Readable
      if (event === 'error' && this.#keeps(values[0])) return true
      return this.#emit(event as string, ...values)
    }
  }

  /** Settles with the statement, and also when what it reads from was closed half way. */
  async from(stream: () => Promise<unknown>): Promise<unknown> {
    this.#source = null
    const ended = stream()
    const source = this.#source as Readable | null
    try {
      return await (source === null ? ended : Promise.race([ended, closed(source)]))
    } catch (error) {
      if (source !== null) this.#keep(error, source)
      throw error
    }
  }

  /** Tells of an error that no dialect has told of: there is no connection, or the refusal stands. */
  fail(error: unknown): void {
    if (error === this.#told || this.#target.destroyed) return
    this.#kept = error
    this.#emit('error', error)
  }

  /** Whether an error that the dialect emits is kept from the reader. */
  #keeps(error: unknown): boolean {
    if (error !== null && error === this.#kept) return true
    if (this.#source !== null && this.#keep(error, this.#source)) return true
    this.#told = error
    return false
  }

  /** Keeps a refusal that came before the first row; marks one that came later, so that nothing is sent twice. */
  #keep(error: unknown, source: Readable): boolean {
    if (error === this.#told || this.#errors.classify(error) !== 'read-only') return false
    if (source.readableDidRead) {
      this.#errors.afterRows(error as Error)
      return false
    }
    source.unpipe(this.#target)
    this.#kept = error
    return true
  }
}

function closed(source: Readable): Promise<void> {
  return new Promise((resolve) => {
    source.once('close', resolve)
  })
}

const MYSQL: Errors = { classify: classifyMysqlError, afterRows }
const ERRORS: Readonly<Record<Dialect, Errors>> = {
  postgres: { classify: classifyPgError, afterRows: afterDelivery },
  mysql: MYSQL,
  mariadb: MYSQL,
}
