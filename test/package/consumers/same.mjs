import { createRequire } from 'node:module'
import { SplitpoolError } from 'splitpool'

const required = createRequire(import.meta.url)('splitpool')
console.log(JSON.stringify({ same: required.SplitpoolError === SplitpoolError }))
