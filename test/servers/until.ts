import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks `condition` again and again until it says true, and fails after `timeoutMs` with what was waited for.
 * An error of the condition ends the waiting.
 */
export async function until(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 60_000, everyMs = 10 } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain until ${typeof what === 'string' ? what : what()}`)
    }
    await sleep(everyMs)
  }
}
