import { describe, expect, it } from 'vitest'
import type { Dialect } from '../dialects/dialect'
import type { Classification } from './classification'
import { classify } from './classify'

const CASES: readonly (readonly [Dialect, string, Classification['sets']])[] = [
  ['postgres', `SET TIME ZONE 'UTC'`, 'session'],
  ['postgres', 'SET standard_conforming_strings=on;SET client_min_messages TO warning;', 'session'],
  ['postgres', 'SET SESSION statement_timeout = 1', 'session'],
  ['postgres', 'SET LOCAL statement_timeout = 1', 'transaction'],
  ['postgres', 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'transaction'],
  ['postgres', 'SET a = 1; SELECT pg_advisory_lock(1)', null],
  ['postgres', 'SET a = 1; SET LOCAL b = 2', null],
  ['postgres', 'SELECT 1', null],
  ['postgres', 'RESET ALL', null],
  ['postgres', '', null],
  ['mysql', `SET time_zone = '+00:00'`, 'session'],
  ['mysql', 'SET NAMES utf8mb4', 'session'],
  ['mysql', 'SET foreign_key_checks = 0, sql_mode = 2', 'session'],
  ['mysql', 'SET foreign_key_checks = 0, AUTOCOMMIT = 0', null],
  ['mysql', 'SET SESSION completion_type = 1', null],
  ['mysql', 'SET @a = 1', null],
  ['mysql', 'SET SESSION TRANSACTION READ ONLY', 'session'],
  ['mysql', 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED', 'transaction'],
  ['mysql', 'SET GLOBAL a = 1', null],
  ['mysql', 'SET @a = (SELECT max(id) FROM t)', null],
  ['mysql', 'SET @a = f()', null],
  ['mysql', 'SET PASSWORD = 1', null],
  ['mysql', `SET @a = '\\'; SELECT 1'`, null],
  ['mariadb', 'SET STATEMENT max_statement_time = 1 FOR SELECT 1', null],
]

describe('what a text sets', () => {
  it.each(CASES)('%s: %s → %s', (dialect, sql, sets) => {
    expect(classify(sql, dialect).sets).toBe(sets)
  })
})
