/** The fuse as a process: `power-fuse-program.ts ZONE SECONDS`, its standard input the runner's end of the pipe. */
import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../errors.ts'
import { ZONES } from '../../topology.ts'
import { labFolders } from './folders.ts'
import { powerOn } from './power.ts'
import { burn } from './power-fuse.ts'

const [name, seconds] = process.argv.slice(2)
const zone = ZONES.find(candidate => candidate === name)
if (zone === undefined) {
  throw new UserError('NO_SUCH_ZONE', `Cannot wait for zone '${name}'`, `Zones are ${ZONES.join(', ')}.`)
}
const { state } = labFolders()
await mkdir(state, { recursive: true })
const log = join(state, 'power-fuse.log')
await burn({
  input: process.stdin,
  output: process.stdout,
  seconds: Number(seconds),
  powerOn: () => powerOn('experiment', zone),
  sleep,
  tell: message => appendFile(log, `${new Date().toISOString()} zone ${zone}: ${message}\n`),
})
process.exit(0)
