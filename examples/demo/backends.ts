import type { Backend } from './backend'
import { mysqlBackend } from './mysql/backend'
import type { DemoOptions } from './options'
import { postgresBackend } from './postgres/backend'

export const BACKENDS: Readonly<Record<DemoOptions['dialect'], Backend>> = {
  postgres: postgresBackend,
  mysql: mysqlBackend,
}
