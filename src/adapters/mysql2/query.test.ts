import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createPool, createServer, type Connection, type Pool, type PoolConnection } from 'mysql2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Decision } from '../../routing/decision'
import type { Run } from '../adapter'
import { configOf, UnconnectedConnection } from './driver'
import { classifyError } from './errors'
import { routedQuery } from './query'
import type { Formatter } from './text'

/** Not looked at here. */
const DECISION = {} as Decision

const COLUMN = {
  catalog: 'def',
  schema: 'app',
  table: 't',
  orgTable: 't',
  name: 'n',
  orgName: 'n',
  characterSet: 33,
  columnLength: 20,
  columnType: 253,
  flags: 0,
  decimals: 0,
}

/** What the tests call of a server-side connection of mysql2, whose typings leave it out. */
interface Answering extends Connection {
  writeColumns(columns: object[]): void
  writeTextRow(row: unknown[]): void
  readonly stream: Socket
}

/** The driver itself, against a server of its own make that answers as the test says. */
describe('a command without a callback', () => {
  let answers: ((connection: Answering) => void)[]
  let server: { readonly _server: Server }
  let pool: Pool
  let formatter: Formatter

  beforeEach(async () => {
    answers = []
    server = createServer((client) => {
      const connection = client as Answering
      connection.on('error', () => undefined)
      connection.on('query', () => {
        connection.sequenceId = 1
        answers.shift()?.(connection)
        connection.sequenceId = 0
      })
      connection.serverHandshake({
        protocolVersion: 10,
        serverVersion: '8.4.0',
        connectionId: 1,
        statusFlags: 2,
        characterSet: 33,
        // Neither TLS nor compression.
        capabilityFlags: 0xffffff ^ 0x800 ^ 0x20,
        authCallback: (_: unknown, done: (error: null) => void) => {
          done(null)
          connection.sequenceId = 0
        },
      })
    }) as unknown as typeof server
    server._server.listen(0)
    await once(server._server, 'listening')
    const { port } = server._server.address() as AddressInfo
    pool = createPool({ host: '127.0.0.1', port, user: 'app' })
    formatter = Object.assign(new UnconnectedConnection(), { config: configOf(pool).connectionConfig })
  })

  afterEach(async () => {
    const { _allConnections: all, _freeConnections: free } = pool as unknown as Record<
      string,
      { length: number }
    >
    expect(all!.length - free!.length, 'every connection was given back').toBe(0)
    await pool.promise().end()
    server._server.close()
  })

  /** Runs it like the router does: once more when the server says that it is read only. */
  const run: Run = async (_, attempt) => {
    try {
      return await attempt(pool, DECISION)
    } catch (error) {
      if (classifyError(error) !== 'read-only') throw error
      return await attempt(pool, DECISION)
    }
  }

  async function emitted(): Promise<unknown[]> {
    const events: unknown[] = []
    const command = routedQuery(run, 'query', ['select n'], formatter)
    command.on('fields', () => events.push('fields'))
    command.on('result', (row: { n: string }) => events.push(row.n))
    command.on('error', ({ code }) => events.push(code))
    await new Promise<void>((resolve) => {
      command.on('end', resolve)
    })
    await new Promise(setImmediate)
    return events
  }

  const rows =
    (...values: string[]) =>
    (connection: Answering): void => {
      connection.writeColumns([COLUMN])
      for (const value of values) connection.writeTextRow([value])
    }
  const end = (connection: Answering): void => {
    connection.writeEof()
  }
  const refuse = (connection: Answering): void => {
    connection.writeError({ code: 1290, message: 'read only' })
  }

  it('leaves no trace of a refusal before the first row', async () => {
    answers = [
      (connection) => {
        rows()(connection)
        refuse(connection)
      },
      (connection) => {
        rows('a', 'b')(connection)
        end(connection)
      },
    ]
    expect(await emitted()).toEqual(['fields', 'a', 'b'])
  })

  it('is not sent again after the first row', async () => {
    answers = [
      (connection) => {
        rows('a')(connection)
        refuse(connection)
      },
    ]
    expect(await emitted()).toEqual(['fields', 'a', 'ER_OPTION_PREVENTS_STATEMENT'])
  })

  it('gives fields where there are no rows', async () => {
    answers = [
      (connection) => {
        rows()(connection)
        end(connection)
      },
    ]
    expect(await emitted()).toEqual(['fields'])
  })

  it('hears of a connection that is lost', async () => {
    answers = [
      (connection) => {
        rows('a')(connection)
        connection.stream.destroy()
      },
    ]
    expect(await emitted()).toEqual([
      'fields',
      'a',
      expect.stringMatching(/ECONNRESET|PROTOCOL_CONNECTION_LOST/),
    ])
  })

  it('gives its connection back when the driver refuses the arguments', async () => {
    const command = routedQuery(run, 'execute', ['select ?', [undefined]], formatter)
    const [error] = (await once(command as never, 'error')) as [Error]
    expect(error.message).toContain('Bind parameters must not contain undefined')
  })

  it('hears of a connection that is closed already', async () => {
    const connection = await new Promise<PoolConnection>((resolve, reject) => {
      pool.getConnection((error, own) => {
        if (error) reject(error)
        else resolve(own)
      })
    })
    connection.on('error', () => undefined)
    connection.destroy()
    const command = routedQuery(
      (_, attempt) => attempt(connection, DECISION),
      'query',
      ['select n'],
      formatter,
    )
    const [error] = (await once(command as never, 'error')) as [Error]
    expect(error.message).toContain('closed state')
  })
})
