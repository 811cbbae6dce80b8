import { describeOrm } from './describe-orm'
import { pg } from './under-test/pg'

describeOrm(pg)
