import type { Case } from './cases/case'
import type { OrmDialect, OrmUnderTest } from './orm-under-test'

/** Why a case does not apply to an ORM, or `null` where it is tested. */
export function lacking(
  orm: OrmUnderTest,
  dialect: OrmDialect,
  { needs, not }: Pick<Case, 'needs' | 'not'>,
): string | null {
  const lack = orm.lacks?.find(
    ({ operation, dialect: only }) => operation === needs && (only ?? dialect) === dialect,
  )
  return not?.[dialect] ?? lack?.reason ?? null
}
