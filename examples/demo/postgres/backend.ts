import { createRouter } from '../../../src'
import { postgres } from '../../../src/adapters/pg'
import type { Backend } from '../backend'
import { postgresBlog } from './blog'
import { articlesSchema, usersSchema } from './schema'
import { postgresWitness } from './witness'

export const postgresBackend: Backend = {
  title: 'PostgreSQL',
  patience: '',
  factory: 'postgres',
  pool: 'a pg.Pool',
  schema: { articles: articlesSchema, users: usersSchema },
  witness: postgresWitness,

  open(articles, users) {
    const router = createRouter({
      databases: {
        default: postgres(articles),
        users: postgres(users),
      },
      models: { User: { table: 't_user', bind: 'users' } },
    })
    return { router, blog: postgresBlog(router) }
  },
}
