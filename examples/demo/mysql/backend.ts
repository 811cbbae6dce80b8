import { createRouter } from '../../../src'
import { mysql } from '../../../src/adapters/mysql2'
import type { Backend } from '../backend'
import { mysqlBlog } from './blog'
import { articlesSchema, usersSchema } from './schema'
import { mysqlWitness } from './witness'

export const mysqlBackend: Backend = {
  title: 'MySQL',
  patience: ' (the first time, some 75 MB of packages may be downloaded)',
  factory: 'mysql',
  pool: 'a mysql2 pool',
  schema: { articles: articlesSchema, users: usersSchema },
  witness: mysqlWitness,

  open(articles, users) {
    const router = createRouter({
      databases: {
        default: mysql(articles),
        users: mysql(users),
      },
      models: { User: { table: 't_user', bind: 'users' } },
    })
    return { router, blog: mysqlBlog(router) }
  },
}
