import { connect } from 'node:net'
import { rulesProbe } from '../base/rules-probe.ts'
import { codeOf } from '../base/errors.ts'

const longestMs = 1_000

/**
 * Whether the rules of transparent capture are in force in this network namespace. Listing them takes a
 * capability, so that they are asked instead: they prohibit one way to a sidecar.
 */
export async function areRulesLoaded(
  { host, port }: { readonly host: string; readonly port: number } = rulesProbe,
  timeoutMs: number = longestMs,
): Promise<boolean> {
  const socket = connect({ host, port })
  const answer = Promise.withResolvers<boolean>()
  socket.once('connect', () => {
    answer.resolve(false)
  })
  socket.once('error', (error: unknown) => {
    answer.resolve(codeOf(error) === 'EHOSTUNREACH')
  })
  socket.setTimeout(timeoutMs, () => {
    answer.resolve(false)
  })
  try {
    return await answer.promise
  } finally {
    socket.destroy()
  }
}
