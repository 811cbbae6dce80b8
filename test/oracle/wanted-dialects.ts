import { DIALECTS, type Dialect } from '../../src/dialects/dialect'

/** All dialects, or those that `SPLITPOOL_DIALECTS` names. */
export function wantedDialects(): readonly Dialect[] {
  const wanted = process.env['SPLITPOOL_DIALECTS']?.split(',') ?? DIALECTS
  return DIALECTS.filter((dialect) => wanted.includes(dialect))
}
