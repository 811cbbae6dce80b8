import { benchClassify } from './classify'
import { benchMemory } from './memory'
import { benchOrms } from './orms'
import { benchThroughput } from './throughput'

/** `npm run bench [classify|throughput|orms|memory]…`: all of them, or those that are named. */
const BENCHES = {
  classify: benchClassify,
  memory: benchMemory,
  throughput: benchThroughput,
  orms: benchOrms,
} as const

async function main(): Promise<void> {
  const named = process.argv.slice(2)
  const unknown = named.find((name) => !Object.hasOwn(BENCHES, name))
  if (unknown !== undefined) {
    console.error(`Unknown benchmark ${unknown}; there is ${Object.keys(BENCHES).join(', ')}`)
    process.exitCode = 1
    return
  }
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (named.length === 0 || named.includes(name)) await bench()
  }
}

void main()
