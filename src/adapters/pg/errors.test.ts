import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import { classifyError } from './errors'

/** As pg gives it: the SQLSTATE in `code`. */
function database(code: string): Error {
  return Object.assign(new Error('what the server said'), { code })
}

describe('classifyError of pg', () => {
  it.each(['25006', '0A000', '55000'])('takes %s for a refusal', (code) => {
    expect(classifyError(database(code))).toBe('read-only')
  })

  it.each(['08000', '08003', '08006', '08P01', '57P01', '57P02', '57P03', '57P05'])(
    'takes %s for a lost connection',
    (code) => {
      expect(classifyError(database(code))).toBe('connection')
    },
  )

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'ETIMEDOUT'])(
    'takes %s for a lost connection',
    (code) => {
      expect(classifyError(database(code))).toBe('connection')
    },
  )

  it.each(['42601', '23505', '40001', '40P01', '57014', '42P01', '22012', 'XX000', '53300'])(
    'takes %s for an error of SQL',
    (code) => {
      expect(classifyError(database(code))).toBe('other')
    },
  )

  it.each([
    ['Connection terminated unexpectedly', 'connection'],
    ['Connection terminated due to connection timeout', 'connection'],
    ['timeout exceeded when trying to connect', 'connection'],
    ['Client has encountered a connection error and is not queryable', 'unsent'],
    ['Client was closed and is not queryable', 'unsent'],
    ['Query read timeout', 'connection'],
  ])('takes "%s" for %s', (message, expected) => {
    expect(classifyError(new Error(message))).toBe(expected)
  })

  it.each([undefined, null, 'text', 5, {}])('takes %s for nothing it knows', (thrown) => {
    expect(classifyError(thrown)).toBe('other')
  })

  it('knows what pg really says when nobody listens, and after the end', async () => {
    const client = new Client({ host: '127.0.0.1', port: 1 })
    expect(classifyError(await client.connect().catch((error: unknown) => error))).toBe('connection')
    await client.end().catch(() => undefined)
    expect(classifyError(await client.query('SELECT 1').catch((error: unknown) => error))).toBe('unsent')
  })
})
