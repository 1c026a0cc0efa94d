/** One line of JSON an event; standard output of a container is its log. */
export type Log = (event: string, fields?: Readonly<Record<string, unknown>>) => void

export const consoleLog: Log = (event, fields = {}) => {
  console.log(JSON.stringify({ time: new Date().toISOString(), event, ...fields }))
}
