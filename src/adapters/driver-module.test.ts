import { describe, expect, it } from 'vitest'
import { knexClient } from './knex'
import { driverModule as mysqlModule } from './mysql2'
import { driverModule as pgModule } from './pg'

describe('what is made of a router', () => {
  it.each([
    ['knexClient', knexClient],
    ['driverModule of pg', pgModule],
    ['driverModule of mysql2', mysqlModule],
  ])('%s refuses what is none', (_, make) => {
    for (const given of [undefined, null, {}, 'default']) {
      expect(() => make(given as never)).toThrow(
        expect.objectContaining({
          code: 'ERR_INVALID_OPTION',
          message: expect.stringContaining('router: expected what createRouter returns') as string,
        }),
      )
    }
  })
})
