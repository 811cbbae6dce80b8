import { execFile } from 'node:child_process'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import type { StartedTestContainer } from 'testcontainers'
import type { NodeInfo, StartedCluster, StartOptions } from './cluster'
import { follow, MYSQL_SETUP, options, type MysqlDialect } from './mysql-dialect'
import { nodeAddress, nodeId } from './node-address'
import { answers } from './open-cluster'
import { runSql } from './run-sql'
import { startCluster } from './start-cluster'
import { until } from './until'

type Labels = Record<string, string>

interface Image {
  readonly name: string
  /** The variable that names another. */
  readonly setting: string
  /** Forgets the statements of the image's own set-up, which every server has run by itself. */
  readonly forgetHistory: string
  /** How a replica learns to refuse writes, also after a restart. */
  readonly readOnly: { readonly command: readonly string[]; readonly sql?: string }
}

const IMAGES: Readonly<Record<MysqlDialect, Image>> = {
  mysql: {
    name: 'mysql:8.4',
    setting: 'SPLITPOOL_MYSQL_IMAGE',
    forgetHistory: 'reset binary logs and gtids',
    // on the command line it would make the image's set-up fail
    readOnly: { command: [], sql: 'set persist super_read_only = on' },
  },
  mariadb: {
    name: 'mariadb:11.4',
    setting: 'SPLITPOOL_MARIADB_IMAGE',
    forgetHistory: 'reset master',
    readOnly: { command: options(MYSQL_SETUP.mariadb.replicaSettings) },
  },
}

/** The official image, or the one that the environment names, once it is here. Fails where there is no Docker. */
export async function availableImage(dialect: MysqlDialect): Promise<string> {
  await promisify(execFile)('docker', ['version']).catch(() => {
    throw new Error('no Docker daemon answers')
  })
  const { name, setting } = IMAGES[dialect]
  const image = process.env[setting] ?? name
  const { getContainerRuntimeClient, ImageName } = await import('testcontainers')
  const client = await getContainerRuntimeClient()
  await client.image.pull(ImageName.fromString(image)).catch((error: unknown) => {
    throw new Error(`the image ${image} is not here and cannot be fetched`, { cause: error })
  })
  return image
}

/** MySQL's or MariaDB's servers in containers, on a network of their own in which each is known by its id. */
export function startMysqlContainers(
  dialect: MysqlDialect,
  image: string,
  startOptions: StartOptions,
): Promise<StartedCluster> {
  const { forgetHistory, readOnly } = IMAGES[dialect]

  return startCluster(dialect, startOptions, async (home, ports) => {
    const labels = home.labelsForContainers()
    const network = await createNetwork(basename(home.path), labels)

    const startNode = async (port: number, index: number): Promise<NodeInfo> => {
      const settings = {
        ...MYSQL_SETUP[dialect].settings,
        'server-id': index + 1,
        port,
        ...startOptions.settings,
      }
      const container = await startContainer({
        image,
        labels,
        network,
        name: nodeId(index),
        port,
        command: [...options(settings), ...(index > 0 ? readOnly.command : [])],
        accounts: MYSQL_SETUP[dialect].accounts,
      })
      const node: NodeInfo = {
        id: nodeId(index),
        ...nodeAddress(dialect, port),
        runtime: { kind: 'container', containerId: container.getId() },
      }
      await until(`${node.id} answers`, () => answers(node))
      return node
    }

    const nodes = await Promise.all(ports.map(startNode))
    const [primary, ...replicas] = nodes
    await Promise.all(nodes.map(({ adminUrl }) => runSql(adminUrl, forgetHistory)))
    await Promise.all(
      replicas.map(async (replica) => {
        await follow(dialect, replica, { host: primary!.id, port: primary!.port })
        if (readOnly.sql !== undefined) await runSql(replica.adminUrl, readOnly.sql)
      }),
    )
    return nodes
  })
}

async function createNetwork(name: string, labels: Labels): Promise<string> {
  const { getContainerRuntimeClient } = await import('testcontainers')
  await (await getContainerRuntimeClient()).network.create({ Name: name, Labels: labels })
  return name
}

/** A server that listens on the same port inside and outside, so that what it reports of itself is true for both. */
async function startContainer(server: {
  image: string
  labels: Labels
  network: string
  name: string
  port: number
  command: string[]
  accounts: string
}): Promise<StartedTestContainer> {
  const { GenericContainer } = await import('testcontainers')
  return new GenericContainer(server.image)
    .withAutoCleanup(false) // the labels see to it
    .withLabels(server.labels)
    .withNetworkMode(server.network)
    .withNetworkAliases(server.name)
    .withExposedPorts({ container: server.port, host: server.port })
    .withEnvironment({ MYSQL_ROOT_PASSWORD: 'root', MARIADB_ROOT_PASSWORD: 'root' })
    .withCopyContentToContainer([
      { content: server.accounts, target: '/docker-entrypoint-initdb.d/accounts.sql', mode: 0o644 },
    ])
    .withCommand(server.command)
    .withStartupTimeout(120_000)
    .start()
}
