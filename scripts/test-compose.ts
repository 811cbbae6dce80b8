import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { GivenServers } from '../test/servers/given-servers'

const ROOT = join(__dirname, '..')

/** A project of its own on ports that Docker chooses, so that servers brought up by hand are left alone. */
const PROJECT = {
  COMPOSE_PROJECT_NAME: 'splitpool-test',
  SPLITPOOL_MYSQL_PRIMARY_PORT: '0',
  SPLITPOOL_MYSQL_REPLICA_PORT: '0',
  SPLITPOOL_POSTGRES_PRIMARY_PORT: '0',
  SPLITPOOL_POSTGRES_REPLICA_PORT: '0',
}

/**
 * Runs the integration tests against the servers of docker-compose.yml: brings them up, waits until they replicate, and
 * takes them down again whatever happens. The arguments of the command go to vitest.
 */
async function testCompose(): Promise<number> {
  // an interrupt ends the command that is under way, and then the servers are taken down
  process.on('SIGINT', () => undefined)
  try {
    const up = await run('docker', ['compose', 'up', '--detach', '--wait'])
    if (up !== 0) {
      await run('docker', ['compose', 'logs', '--tail', '30'])
      return up
    }
    const tests = ['vitest', 'run', '--project', 'integration', ...process.argv.slice(2)]
    return await run('npx', tests, { SPLITPOOL_TEST_SERVERS: JSON.stringify(composedServers()) })
  } finally {
    await run('docker', ['compose', 'down', '--volumes', '--timeout', '1'])
  }
}

function composedServers(): GivenServers {
  const server = (service: string, scheme: string, port: number) => {
    const args = ['compose', 'port', service, String(port)]
    const address = execFileSync('docker', args, { cwd: ROOT, env: environment(), encoding: 'utf8' }).trim()
    const url = (user: string): string => `${scheme}://${user}:${user}@${address}/app`
    return { url: url('app'), adminUrl: url('admin') }
  }
  const pair = (name: string, port: number) => ({
    primary: server(`${name}-primary`, name, port),
    replicas: [server(`${name}-replica`, name, port)],
  })
  return { postgres: pair('postgres', 5432), mysql: pair('mysql', 3306) }
}

async function run(command: string, args: string[], further?: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', env: environment(further) })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

function environment(further: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...process.env, ...PROJECT, ...further }
}

void testCompose().then((code) => {
  process.exitCode = code
})
