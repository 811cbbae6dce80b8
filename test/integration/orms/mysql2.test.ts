import { describeOrm } from './describe-orm'
import { mysql2 } from './under-test/mysql2'

describeOrm(mysql2)
