import type { Balancer } from '../balancing/balancer'
import type { BalancerName } from '../balancing/create-balancer'
import type { Model } from '../routing/models'
import type { ReadFrom } from '../routing/read-from'
import type { ReadPreference } from '../routing/read-preference'
import type { Hints } from '../routing/router-chain'
import type { Target } from '../routing/target'

/** What one frame asks for; `null` leaves it to the frames outside. */
export interface FrameSettings {
  /** A database, one of its nodes, or the primary of whichever database. */
  readonly target: Target | null
  /** What the statements are about. */
  readonly about: { readonly model: Model; readonly hints: Hints } | null
  readonly reads: ReadPreference | null
  readonly readFrom: ReadFrom | null
  readonly balancer: BalancerName | Balancer | null
  readonly readOnly: boolean | null
}

/** Frames nest as a stack, and each knows the one outside it. Immutable, like the context that holds them. */
export interface Frame extends FrameSettings {
  readonly outer: Frame | null
}

const NOTHING: FrameSettings = {
  target: null,
  about: null,
  reads: null,
  readFrom: null,
  balancer: null,
  readOnly: null,
}

export function frameAround(outer: Frame | null, settings: Partial<FrameSettings>): Frame {
  return { ...NOTHING, ...settings, outer }
}

/** What the innermost frame that says anything of `key` says: each property is looked up by itself, as in Rails. */
export function fromFrames<K extends keyof FrameSettings>(
  frame: Frame | null,
  key: K,
): FrameSettings[K] | null {
  for (let at = frame; at !== null; at = at.outer) if (at[key] !== null) return at[key]
  return null
}

/** The innermost frame that names a database. */
export function databaseFrame(frame: Frame | null): Target | null {
  for (let at = frame; at !== null; at = at.outer) if (at.target?.alias != null) return at.target
  return null
}

/** The innermost frame that asks for a role on `alias`; one that names the database alone leaves it to those outside. */
export function roleFrame(frame: Frame | null, alias: string): Target | null {
  for (let at = frame; at !== null; at = at.outer) {
    const { target } = at
    if (target !== null && target.role !== null && (target.alias === null || target.alias === alias))
      return target
  }
  return null
}

/** The same frames, without the databases that they name, and the models over which those had the say. */
export function withoutDatabases(frame: Frame | null): Frame | null {
  return databaseFrame(frame) === null ? frame : nameless(frame)
}

function nameless(frame: Frame | null): Frame | null {
  if (frame === null) return null
  const target = frame.target?.alias == null ? frame.target : null
  return { ...frame, target, about: null, outer: nameless(frame.outer) }
}
