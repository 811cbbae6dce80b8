import type { OrmUnderTest } from './orm-under-test'
import { drizzle } from './under-test/drizzle'
import { knex } from './under-test/knex'
import { kysely } from './under-test/kysely'
import { mikroOrm } from './under-test/mikro-orm'
import { mysql2 } from './under-test/mysql2'
import { objection } from './under-test/objection'
import { pg } from './under-test/pg'
import { prisma } from './under-test/prisma'
import { sequelize } from './under-test/sequelize'
import { typeorm } from './under-test/typeorm'

/** In the order of the table. */
export const ALL: readonly OrmUnderTest[] = [
  pg,
  mysql2,
  knex,
  objection,
  kysely,
  drizzle,
  typeorm,
  sequelize,
  mikroOrm,
  prisma,
]
