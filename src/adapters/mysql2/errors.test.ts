import { createConnection } from 'mysql2/promise'
import { describe, expect, it } from 'vitest'
import { afterRows, classifyError } from './errors'

function error(message: string, properties: object = {}): Error {
  return Object.assign(new Error(message), properties)
}

describe('an error of mysql2', () => {
  it.each([1290, 1792, 1836, 1874])('says with %i that the server is read only', (errno) => {
    expect(classifyError(error('no', { errno, code: 'ER' }))).toBe('read-only')
    expect(classifyError(afterRows(error('no', { errno }))), 'rows have come').toBe('other')
  })

  it.each([
    error('Connection lost: The server closed the connection.', {
      code: 'PROTOCOL_CONNECTION_LOST',
      fatal: true,
    }),
    error('connect ECONNREFUSED', { code: 'ECONNREFUSED', errno: -111, fatal: true }),
    error('connect ETIMEDOUT', { code: 'ETIMEDOUT', fatal: true }),
    error('Query inactivity timeout', { code: 'PROTOCOL_SEQUENCE_TIMEOUT' }),
    error('Server shutdown in progress', { errno: 1053, code: 'ER_SERVER_SHUTDOWN' }),
    error('WSREP has not yet prepared node for application use', { errno: 1047 }),
    error('Connection was killed', { errno: 1927 }),
    error('The client was disconnected by the server because of inactivity.', { errno: 4031, fatal: true }),
    error('Lost connection to backend server', { errno: 2013 }),
    error('Pool is closed.'),
    error('No connections available.'),
    error('Queue limit reached.'),
  ])('says that the connection failed: $message', (lost) => {
    expect(classifyError(lost)).toBe('connection')
  })

  it('says that the transaction is gone', () => {
    expect(classifyError(error('Deadlock found', { errno: 1213 }))).toBe('rolled-back')
  })

  it('says that a command never left', () => {
    const late = error("Can't add new command when connection is in closed state", { fatal: true })
    expect(classifyError(late)).toBe('unsent')
  })

  it.each([
    error('Access denied', { errno: 1045, code: 'ER_ACCESS_DENIED_ERROR', fatal: true }),
    error('Unknown column', { errno: 1054, code: 'ER_BAD_FIELD_ERROR' }),
    error('Duplicate entry', { errno: 1062 }),
    error('Query execution was interrupted', { errno: 1317 }),
    new TypeError('Bind parameters must not contain undefined'),
    'text',
    null,
    undefined,
    {},
  ])('is any other: %s', (other) => {
    expect(classifyError(other)).toBe('other')
  })

  it('is understood as the driver throws it', async () => {
    const refused = await createConnection({ host: '127.0.0.1', port: 1 }).catch((thrown: unknown) => thrown)
    expect(classifyError(refused)).toBe('connection')
  })
})
