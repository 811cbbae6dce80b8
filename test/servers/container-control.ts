import type { RuntimeControl } from './runtime'
import { until } from './until'

/** A server in a Docker container. */
export function containerControl(containerId: string): RuntimeControl {
  const container = async () => {
    const { getContainerRuntimeClient } = await import('testcontainers')
    return (await getContainerRuntimeClient()).container.getById(containerId)
  }
  return {
    async signal(name) {
      await (await container()).kill({ signal: name })
      if (name === 'SIGKILL') await (await container()).wait()
    },
    async stop() {
      await (await container()).stop({ t: 30 })
    },
    async start(answers) {
      await (await container()).start()
      await until(`the server in container ${containerId} answers`, answers)
    },
    async freeze() {
      await (await container()).pause()
    },
    async thaw() {
      await (await container()).unpause()
    },
  }
}
