import { hash } from 'node:crypto'

/**
 * A number in (0, 1) that a text always gives, in every process and release: the first 52 bits of its SHA-256, so that
 * similar texts lie far apart. Some microseconds; it is asked for once per scope, not per statement.
 */
export function fractionOf(text: string): number {
  const first = Number.parseInt(hash('sha256', text).slice(0, 13), 16)
  return (first + 0.5) / 2 ** 52
}
