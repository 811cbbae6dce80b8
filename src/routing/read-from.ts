/**
 * Which replicas reads may go to, by tag: the groups are tried from left to right, and the first that has a node which
 * may be used is the one. A group is a tag, or several that a node must have all of; `'*'` is any node.
 */
export type ReadFrom = readonly (string | readonly string[])[]

/** A copy that stays as it is, whatever happens to the arrays of the application. */
export function frozenGroups(readFrom: ReadFrom): ReadFrom {
  return Object.freeze(readFrom.map((tags) => (typeof tags === 'string' ? tags : Object.freeze([...tags]))))
}

/** Whether a node with these tags belongs to the group. */
export function inGroup(tags: readonly string[], group: ReadFrom[number]): boolean {
  const has = (tag: string): boolean => tag === '*' || tags.includes(tag)
  return typeof group === 'string' ? has(group) : group.every(has)
}

/** `null` for a list that asks for nothing, since any node comes first in it. */
export function narrowing(readFrom: ReadFrom | null): ReadFrom | null {
  return readFrom !== null && readFrom[0] === '*' ? null : readFrom
}

/** The groups for a message: `readFrom: 'eu', 'reports' + 'us', '*'`. */
export function shownGroups(readFrom: ReadFrom): string {
  const shown = readFrom.map((group) =>
    [group]
      .flat()
      .map((tag) => `'${tag}'`)
      .join(' + '),
  )
  return `readFrom: ${shown.join(', ')}`
}
