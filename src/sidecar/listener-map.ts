import { formatHostPort, hostPort, type HostPort, type Parse } from '../base/env.ts'
import { quote } from '../base/errors.ts'
import { isDnsName } from '../policy/index.ts'
import { canonicalAddress } from '../tunnel/endpoint.ts'
import { isLoopback, isUnspecified } from './address.ts'

/** A local listener, and the destination that a program which connects to it meant. */
export interface EgressListener {
  readonly listen: HostPort
  /** By address, or by a name that is looked up for each connection. */
  readonly destination: HostPort
}

/** A mesh-facing listener, and the application behind it. */
export interface IngressListener {
  readonly listen: HostPort
  readonly application: HostPort
}

const mostListeners = 256

/**
 * `127.0.0.1:15432=10.0.0.2:5432,127.0.0.1:8443=api.example.com:443,...`: local listener = original
 * destination. A listener that is not
 * on loopback would lend this workload's identity to other machines, so it is refused.
 */
export const egressListeners: Parse<readonly EgressListener[]> = (text) =>
  pairs(text).map(([left, right]) => {
    const listen = address(left)
    if (!isLoopback(listen.host)) {
      throw new Error(`expected a loopback address to listen on, got ${quote(left)}`)
    }
    return { listen, destination: namedDestination(right) ?? destination(right) }
  })

/**
 * `10.0.0.2:5432=127.0.0.1:5432,...`: mesh-facing listener = application. Naming it here is what
 * allows a loopback application (PROTOCOL §4, Ingress).
 */
export const ingressListeners: Parse<readonly IngressListener[]> = (text) =>
  pairs(text).map(([left, right]) => {
    const listen = address(left)
    const application = destination(right)
    if (formatHostPort(listen) === formatHostPort(application)) {
      throw new Error(`${quote(left)} is both the listener and the application behind it`)
    }
    return { listen, application }
  })

function pairs(text: string): readonly (readonly [string, string])[] {
  const entries = text.split(',').map((entry) => entry.trim())
  if (entries.length > mostListeners) {
    throw new Error(
      `expected at most ${String(mostListeners)} listeners, got ${String(entries.length)}`,
    )
  }
  const seen = new Set<string>()
  return entries.map((entry) => {
    const [left, right, ...rest] = entry.split('=')
    if (left === undefined || right === undefined || rest.length > 0) {
      throw new Error(`expected address:port=address:port, got ${quote(entry)}`)
    }
    // Port 0 asks for any free port, so it may be named more than once.
    if (seen.has(left) && !left.endsWith(':0')) throw new Error(`${quote(left)} is named twice`)
    seen.add(left)
    return [left, right]
  })
}

function address(text: string): HostPort {
  const { host, port } = hostPort(text)
  const canonical = canonicalAddress(host)
  if (canonical === undefined) throw new Error(`expected an IP address, got ${quote(host)}`)
  return { host: canonical, port }
}

/** Whether the host of a destination is a name. */
export function isName(host: string): boolean {
  return canonicalAddress(host) === undefined
}

function namedDestination(text: string): HostPort | undefined {
  const { host, port } = hostPort(text)
  const name = host.toLowerCase()
  return isDnsName(name) && port !== 0 ? { host: name, port } : undefined
}

function destination(text: string): HostPort {
  const parsed = address(text)
  if (parsed.port === 0 || isUnspecified(parsed.host)) {
    throw new Error(`expected the address and port of a destination, got ${quote(text)}`)
  }
  return parsed
}
