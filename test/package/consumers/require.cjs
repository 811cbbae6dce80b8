'use strict'
const { use } = require('./body.cjs')

console.log(
  JSON.stringify(
    use(
      require('splitpool'),
      require('splitpool/pg'),
      require('splitpool/mysql2'),
      require('pg'),
      require('mysql2'),
    ),
  ),
)
