import { request } from 'node:http'
import { argv, exit } from 'node:process'

/*
 * Program: what time an HTTP server says it is, minus this machine's time, in milliseconds on standard output.
 *   node http-clock.ts ADDRESS PORT
 * The header `Date` has whole seconds, so the server is asked until the second turns: then its clock is at .000.
 * It is run in the network namespace of the server.
 */

const BETWEEN_MS = 15
const LIMIT_MS = 3_000

const [address = '', port = ''] = argv.slice(2)
const stopAtMs = Date.now() + LIMIT_MS
let previous: Answer | null = null
for (;;) {
  const answer = await ask()
  if (previous !== null && answer.serverMs !== previous.serverMs) {
    const turnedAtMs = (previous.askedAtMs + answer.gotAtMs) / 2
    console.log(Math.round(answer.serverMs - turnedAtMs))
    exit(0)
  }
  if (Date.now() > stopAtMs) {
    console.error(`Cannot read the clock of ${address}:${port}: it stood still for ${LIMIT_MS} ms`)
    exit(1)
  }
  previous = answer
  await new Promise(resolve => setTimeout(resolve, BETWEEN_MS))
}

type Answer = { readonly askedAtMs: number; readonly gotAtMs: number; readonly serverMs: number }

function ask(): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const askedAtMs = Date.now()
    const question = request(
      { host: address, port: Number(port), path: '/', timeout: LIMIT_MS },
      response => {
        response.resume()
        const serverMs = Date.parse(response.headers.date ?? '')
        if (Number.isNaN(serverMs)) reject(new Error(`${address}:${port} answers without a date`))
        else resolve({ askedAtMs, gotAtMs: Date.now(), serverMs })
      },
    )
    question.on('timeout', () => question.destroy(new Error(`${address}:${port} does not answer`)))
    question.on('error', reject)
    question.end()
  })
}
