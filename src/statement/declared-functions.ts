import type { FunctionOptions } from './classification'

/** What the application declared about its functions, prepared for look-ups. */
export interface DeclaredFunctions {
  readonly strict: boolean
  /** Whether a call of this function, given by the parts of its name in lower case, is declared to write. */
  writes(path: readonly string[]): boolean
  /** Whether it is declared to read only. A function that is declared both ways writes. */
  reads(path: readonly string[]): boolean
}

/** `undefined` where nothing is declared. */
export function declaredFunctions(options: FunctionOptions | undefined): DeclaredFunctions | undefined {
  if (options === undefined) return undefined
  const write = byLastPart(options.write)
  const read = byLastPart(options.read)
  const strict = options.strict ?? false
  if (write.size === 0 && read.size === 0 && !strict) return undefined
  return {
    strict,
    // In doubt it writes: `bump()` may be `app.bump`, and `app.bump()` is a `bump`.
    writes: (path) =>
      (write.get(last(path)) ?? []).some((name) => endsWith(path, name) || endsWith(name, path)),
    // In doubt it does not only read: `bump()` need not be `app.bump`.
    reads: (path) => (read.get(last(path)) ?? []).some((name) => endsWith(path, name)),
  }
}

type Path = readonly string[]

function byLastPart(names: readonly string[] = []): ReadonlyMap<string, readonly Path[]> {
  const paths = new Map<string, Path[]>()
  for (const path of names.map(pathOf).filter(({ length }) => length > 0)) {
    const others = paths.get(last(path))
    if (others === undefined) paths.set(last(path), [path])
    else others.push(path)
  }
  return paths
}

function pathOf(name: string): Path {
  return name
    .split('.')
    .map((part) =>
      part
        .trim()
        .replace(/^["`]|["`]$/g, '')
        .toLowerCase(),
    )
    .filter((part) => part !== '')
}

const last = (path: Path): string => path[path.length - 1] ?? ''

function endsWith(path: Path, end: Path): boolean {
  return (
    end.length <= path.length && end.every((part, index) => part === path[path.length - end.length + index])
  )
}
