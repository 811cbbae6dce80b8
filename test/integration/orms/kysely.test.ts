import { describeOrm } from './describe-orm'
import { kysely } from './under-test/kysely'

describeOrm(kysely)
