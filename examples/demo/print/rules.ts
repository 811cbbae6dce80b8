import type { RoleRule } from '../../../src'

/** Each rule in words, in the order in which they are asked. */
export const MEANING: Readonly<Record<RoleRule, string>> = {
  transaction: 'inside router.transaction: its connection',
  lease: 'on a borrowed connection that has chosen the primary',
  'explicit-role': 'the call names a node',
  'not-a-read': 'anything that is not provably a read: the primary',
  frame: 'inside router.primary or router.using',
  'open-transaction': 'the scope has a transaction open: the primary',
  'own-writes': 'the scope has written to this database: the primary',
  rollout: 'the scope is not in the share of the rollout: the primary',
  'router-chain': 'a router of the chain names a node',
  'read-preference': 'the option reads',
  'no-replica': 'no replica may be used: the primary',
  read: "a read: the scope's replica",
  'refused-by-replica': 'a replica refused it as read only: the primary, once',
  shadow: 'the mode is shadow, and it would have gone to a replica: the primary',
}
