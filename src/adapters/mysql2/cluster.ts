import mysql2, { type PoolOptions } from 'mysql2'
import { RoutedPool } from './pool'

/** mysql2's cluster of pools, which its typings leave out as a class. */
const { PoolCluster } = mysql2 as unknown as {
  readonly PoolCluster: new (config?: object) => {
    readonly _nodes: Readonly<Record<string, { pool: unknown }>>
    add(id: string | object, config?: object): void
  }
}

/** The driver's own, over routed pools. TypeORM keeps its `master` and `slaves` in one. */
export class RoutedCluster extends PoolCluster {
  readonly #createPool: (config: PoolOptions) => RoutedPool

  constructor(createPool: (config: PoolOptions) => RoutedPool, config?: object) {
    super(config)
    this.#createPool = createPool
  }

  override add(...args: [id: string, config: object] | [config: object]): void {
    super.add(...(args as [string, object]))
    const config = args.at(-1) as PoolOptions
    for (const node of Object.values(this._nodes)) {
      // The driver has made a pool of its own there, which has opened nothing.
      if (!(node.pool instanceof RoutedPool)) node.pool = this.#createPool(config)
    }
  }
}
