'use strict'

/** What both ways of loading do with what they loaded; opens no connection. */
exports.use = ({ createRouter, classify }, { postgres }, { mysql }, { Pool }, mysql2) => {
  const router = createRouter({
    databases: {
      default: postgres({
        primary: 'postgres://a:b@127.0.0.1:1/a',
        replicas: ['postgres://a:b@127.0.0.1:2/a'],
      }),
      users: mysql({ primary: 'mysql://a:b@127.0.0.1:3/a' }),
    },
  })
  const { role, rule } = router.explain('SELECT 1')
  return {
    role,
    rule,
    pool: router.pool() instanceof Pool,
    mysql: router.pool('users') instanceof mysql2.Pool,
    intent: classify('SELECT 1 FOR UPDATE', 'postgres').intent,
  }
}
