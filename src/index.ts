export { createRouter } from './create-router'
export type { Explanation, ExplainOptions, Router } from './router'
export type { ModelHandle } from './model-handle'
export type { Databases, RouterOptions } from './options'
export type { Database, DatabaseOptions } from './database'
export { SplitpoolError, ERROR_CODES, type ErrorCode } from './errors'
export { classify } from './statement/classify'
export type {
  Classification,
  FunctionOptions,
  Intent,
  TableName,
  TransactionControl,
} from './statement/classification'
export type { Dialect } from './dialects/dialect'
export type { DatabaseRule, Decision, Role, RoleRule } from './routing/decision'
export type { DatabaseRouter, Hints, MigrationHints } from './routing/router-chain'
export type { Model, ModelClass, ModelKey, ModelOptions } from './routing/models'
export { hashRouter, type HashRouterOptions } from './routing/hash-router'
export { verticalRouter, type VerticalRouterOptions } from './routing/vertical-router'
export type { ReadPreference } from './routing/read-preference'
export type { Balancer, Candidate, Picking, Random } from './balancing/balancer'
export { affinity } from './balancing/affinity'
export { BALANCER_NAMES, type BalancerName } from './balancing/create-balancer'
export type { IsolationLevel } from './dialects/begin'
export type { TransactionOptions } from './execution/transaction'
export type { NodeStats, RouterStats } from './observe/counters'
export type { ShadowReport, ShadowedStatement } from './observe/shadow-log'
export {
  channels,
  WARNING_CODES,
  type DecisionEvent,
  type StatementEvent,
  type WarningEvent,
} from './observe/channels'
export type { FrameOptions, ScopeOptions } from './scope/scope-options'
export type { AttributeSource, ScopeAttributes, ScopeKey } from './routing/scope-attributes'
export type { ReadFrom } from './routing/read-from'
