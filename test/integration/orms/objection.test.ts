import { describeOrm } from './describe-orm'
import { objection } from './under-test/objection'

describeOrm(objection)
