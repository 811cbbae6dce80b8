import { quoted, record, refuse, refuseUnknown, refuseUnlessOneOf } from './refuse'
import type { ModelOptions } from './routing/models'
import { READ_PREFERENCES } from './routing/read-preference'
import { checkBalancer, checkReadFrom } from './scope/scope-options'

const KEYS = ['table', 'bind', 'extends', 'abstract', 'group', 'reads', 'readFrom', 'balancer']

/**
 * Checks what is said of one model, as far as it can be judged without the others.
 *
 * @param aliases the databases that there are
 * @param tags the tags that their nodes have
 * @param path where the options stand, for messages: `models.User`
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`
 */
export function checkModelOptions(
  given: unknown,
  aliases: readonly string[],
  tags: ReadonlySet<string>,
  path: string,
): ModelOptions {
  const options = record(given, path)
  refuseUnknown(options, KEYS, path)
  const { table, bind, extends: parent, abstract, group, reads, readFrom, balancer } = options
  if (table !== undefined && (typeof table !== 'string' || table === ''))
    refuse(`${path}.table`, 'the name of a table', table)
  if (bind !== undefined) refuseUnlessOneOf(bind, aliases, `${path}.bind`)
  if (parent !== undefined && typeof parent !== 'string' && typeof parent !== 'function')
    refuse(`${path}.extends`, 'the name or the class of a model', parent)
  if (abstract !== undefined && typeof abstract !== 'boolean')
    refuse(`${path}.abstract`, 'true or false', abstract)
  if (abstract === true && table !== undefined)
    refuse(`${path}.table`, 'none, since an abstract model has no table', table)
  if (group !== undefined && (typeof group !== 'string' || group === ''))
    refuse(`${path}.group`, 'the name of a group', group)
  if (reads !== undefined) refuseUnlessOneOf(reads, READ_PREFERENCES, `${path}.reads`)
  if (readFrom !== undefined) checkReadFrom(readFrom, `${path}.readFrom`, tags)
  if (balancer !== undefined) checkBalancer(balancer, `${path}.balancer`)
  return options
}

/**
 * Without a bind key a model lives in `default`, so there must be one.
 *
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`
 */
export function checkHome(bind: string | null, aliases: readonly string[], path: string): void {
  if (bind === null && !aliases.includes('default'))
    refuse(`${path}.bind`, `${quoted(aliases)}, since there is no database 'default'`, undefined)
}
