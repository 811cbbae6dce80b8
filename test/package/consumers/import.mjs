import mysql2 from 'mysql2'
import { Pool } from 'pg'
import { classify, createRouter } from 'splitpool'
import { mysql } from 'splitpool/mysql2'
import { postgres } from 'splitpool/pg'
import { use } from './body.cjs'

console.log(JSON.stringify(use({ createRouter, classify }, { postgres }, { mysql }, { Pool }, mysql2)))
