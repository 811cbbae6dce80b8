/**
 * Which replicas reads may go to, by tag: the groups are tried from left to right, and the first that has a node which
 * may be used is the one. A group is a tag, or several that a node must have all of; `'*'` is any node.
 */
export type ReadFrom = readonly (string | readonly string[])[]
