import type { EventEmitter } from 'node:events'
import type { Callback } from '../callback'

type Read = [rows: number, callback: Callback]

/** A pg-cursor, as far as it is looked at here. */
export interface Cursor {
  close?(callback?: Callback): unknown
  state?: string
  connection?: unknown
  /** The reads that wait until it has been submitted. */
  readonly _queue?: Read[]
  /** Who waits for the rows that the server has been asked for. */
  _cb?: Callback | null
  _getRows?(...read: Read): void
  readonly _ifNoData?: () => void
  readonly _rowDescription?: () => void
}

/** pg's connection to the server. */
export interface Wire extends EventEmitter {
  sync(): void
  readonly stream: { destroy(): void }
}

/** What has to be known of a cursor that it does not know itself. */
export interface CursorWatch {
  /** It was closed before it was sent. */
  readonly closed: boolean
  /** It is being sent: from here on the cursor closes itself. */
  sent(): void
  /** Ends the reads of one that was closed and is never sent. */
  finish(): void
  /** Answers an error on the wire and makes the cursor as it was before it was sent; `false` where it is none of pg's. */
  rewind(wire: Wire): boolean
}

/**
 * Watches a cursor, or any other query, in which there is nothing to watch. A cursor that is closed before it has a
 * connection takes no note of it, and would open its portal afterwards with nobody to close it (destroying a query
 * stream closes its cursor). One that was refused has forgotten how many rows it was asked for.
 */
export function watchCursor(cursor: Cursor): CursorWatch {
  const close = cursor.close?.bind(cursor)
  const getRows = cursor._getRows?.bind(cursor)
  let closed = false
  let asked = 0
  const sent = (): void => {
    if (close !== undefined) Reflect.deleteProperty(cursor, 'close')
  }
  const watch = (): void => {
    if (close === undefined) return
    cursor.close = (callback) => {
      closed = true
      sent()
      return close(callback)
    }
  }
  watch()
  if (getRows !== undefined) {
    cursor._getRows = (rows, callback) => {
      asked = rows
      getRows(rows, callback)
    }
  }
  return {
    get closed() {
      return closed
    },
    sent,
    finish: () => {
      for (const [, callback] of cursor._queue?.splice(0) ?? []) callback(null, [])
    },
    rewind: (wire) => {
      const { _ifNoData, _rowDescription, _queue, _cb } = cursor
      if (getRows === undefined || _queue === undefined || !_ifNoData || !_rowDescription) return false
      wire.off('noData', _ifNoData)
      wire.off('rowDescription', _rowDescription)
      wire.sync()
      if (_cb) _queue.unshift([asked, _cb])
      Object.assign(cursor, { state: 'initialized', connection: null, _cb: null })
      watch()
      return true
    },
  }
}
