/**
 * A port with its protocol, as one number that policies, verdicts and flow records hold: 1 to 65535 is that TCP
 * port, 65536 more that UDP port, and 131072 is ICMP echo (ping), which has none.
 */
export type Port = number

const mostTcp = 0xffff
/** No policy can name it: there is no UDP port 0. */
const firstDatagram = 0x1_0000
/** ICMP echo. */
export const icmpPort: Port = 0x2_0000

export function isTcpPort(port: Port): boolean {
  return (port & mostTcp) === port && port !== 0
}

/** Whether it is a UDP port, or ICMP: what goes in packets, without a connection that a sidecar could carry. */
export function isDatagramPort(port: Port): boolean {
  return Number.isInteger(port) && port > firstDatagram && port <= icmpPort
}

export function udpPort(number: number): Port {
  return firstDatagram + number
}

/** The number without its protocol; 0 for ICMP. */
export function portNumber(port: Port): number {
  return port & mostTcp
}

export type PortProtocol = 'tcp' | 'udp' | 'icmp'

export function portProtocol(port: Port): PortProtocol {
  return port === icmpPort ? 'icmp' : port > mostTcp ? 'udp' : 'tcp'
}

/** `tcp/5432`, `udp/53`, `icmp`. */
export function formatPort(port: Port): string {
  const protocol = portProtocol(port)
  return protocol === 'icmp' ? protocol : `${protocol}/${String(portNumber(port))}`
}

/** Undefined for what `formatPort` does not write. */
export function parsePort(written: string): Port | undefined {
  if (written === 'icmp') return icmpPort
  const match = /^(tcp|udp)\/([1-9][0-9]{0,4})$/.exec(written)
  const number = Number(match?.[2])
  if (!(number <= mostTcp)) return undefined
  return match?.[1] === 'udp' ? udpPort(number) : number
}

/** Stands for every port of its kind that no policy names, so that a port scan leaves nothing behind. */
export function unnamedPort(port: Port): Port {
  return port > mostTcp ? firstDatagram : 0
}

/**
 * Whether a document is about a port. Where it names none it is about every TCP port; datagrams it then only
 * restricts: who wants them let out says so.
 */
export function isAboutPort(
  ports: { has(port: Port): boolean } | undefined,
  isRestricting: boolean,
  port: Port,
): boolean {
  return ports === undefined ? isRestricting || port <= mostTcp : ports.has(port)
}
