import { recordTypes, internetClass, readDnsMessage, type DnsMessage } from './dns-message.ts'

const recursionDesired = 0x0100

/** A query of this sidecar's own for the addresses of a name; its id is given when it is sent. */
export function ownQuery(name: string, type: keyof typeof recordTypes): DnsMessage {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(recursionDesired, 2)
  header.writeUInt16BE(1, 4)
  const labels = name.split('.').map((label) => Buffer.from(`\0${label}`, 'latin1'))
  for (const label of labels) label.writeUInt8(label.length - 1)
  const end = Buffer.alloc(5)
  end.writeUInt16BE(recordTypes[type], 1)
  end.writeUInt16BE(internetClass, 3)
  const query = readDnsMessage(Buffer.concat([header, ...labels, end]))
  if (query === undefined) throw new Error(`BUG: a name was accepted that is none: ${name}`)
  return query
}
