import type { Launch } from './server-process'

/** Where a server runs, and so how it can be stopped and started. */
export type Runtime =
  | { readonly kind: 'process'; readonly launch: Launch }
  | { readonly kind: 'container'; readonly containerId: string }
  /** Somebody else's server, known by its URL only. */
  | { readonly kind: 'foreign' }

/** What can be done to a server from outside, whatever dialect it speaks. */
export interface RuntimeControl {
  signal(signal: NodeJS.Signals): Promise<void>
  stop(): Promise<void>
  /** Starts the server and waits until `answers` says true. */
  start(answers: () => Promise<boolean>): Promise<void>
  freeze(): Promise<void>
  thaw(): Promise<void>
}
