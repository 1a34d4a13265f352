import { encode, type Answer, type Packet } from 'dns-packet'
import { readDnsMessage, type DnsMessage } from '../../src/sidecar/names/dns-message.ts'

/** A message as another implementation writes it. */
export function dnsBytes(packet: Packet): Buffer {
  return encode(packet)
}

export function queryFor(name: string, type: 'A' | 'AAAA' | 'TXT' = 'A', id = 1): Buffer {
  return dnsBytes({ type: 'query', id, flags: 0x0100, questions: [{ name, type }] })
}

/** An answer to `name`, with these records. */
export function answerFor(
  name: string,
  answers: Packet['answers'] = [],
  more: Partial<Packet> = {},
): Buffer {
  const type = answers.some((one) => one.type === 'AAAA') ? 'AAAA' : 'A'
  return dnsBytes({
    ...{ type: 'response', id: 1, flags: 0x8180, questions: [{ name, type }], answers },
    ...more,
  })
}

export function messageOf(bytes: Buffer): DnsMessage {
  const message = readDnsMessage(bytes)
  if (message === undefined) throw new Error(`expected a DNS message, got ${bytes.toString('hex')}`)
  return message
}

/** The options of a sender, whose flags stand where other records have a TTL. */
export const optionsRecord: Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1232,
  flags: 0x8000,
  options: [],
  extendedRcode: 0,
  ednsVersion: 0,
  flag_do: true,
}
