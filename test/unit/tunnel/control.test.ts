import { expect } from 'chai'
import { controlMessageCodec } from '../../../src/rpc/index.ts'
import { ControlChannel } from '../../../src/tunnel/control-channel.ts'
import {
  ControlReader,
  decodeControlMessage,
  encodeControlMessage,
  maxMessageBytes,
  type ControlMessage,
} from '../../../src/tunnel/control.ts'
import { holdNothing } from '../../../src/tunnel/receive-buffer.ts'
import { TunnelError } from '../../../src/tunnel/tunnel-error.ts'

const hello: ControlMessage = {
  kind: 'hello',
  profile: Buffer.from('profile'),
  endpoint: { address: '192.0.2.1', port: 443 },
}
const messages: readonly ControlMessage[] = [
  hello,
  {
    kind: 'reauthenticate',
    sequence: 3,
    chain: [Buffer.from('leaf'), Buffer.from('issuer')],
    profile: Buffer.from('p'),
    signature: Buffer.from('s'),
  },
  { kind: 'result', sequence: 3, refusal: undefined },
  { kind: 'result', sequence: 4, refusal: 'below-floor' },
  { kind: 'notice', streamId: 7, reason: 'policy-stale' },
]

function expectControlError(run: () => unknown): void {
  expect(run).to.throw(TunnelError).with.property('code', 'ERR_CONTROL_MESSAGE')
}

describe('control messages', () => {
  it('come out as they went in, whatever the chunks', () => {
    const bytes = Buffer.concat(messages.map(encodeControlMessage))
    for (const size of [1, 3, 7, bytes.length]) {
      const seen: ControlMessage[] = []
      const reader = new ControlReader((message) => seen.push(message))
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size))
      expect(seen).to.deep.equal(messages)
    }
  })

  for (const length of [0, maxMessageBytes + 1, 0xffffffff]) {
    it(`are refused by an announced length of ${String(length)}, before a byte is held`, () => {
      const prefix = Buffer.alloc(4)
      prefix.writeUInt32BE(length)
      expectControlError(() => {
        new ControlReader(() => undefined).push(prefix)
      })
    })
  }

  const endpoint = { address: '192.0.2.1', port: 443 }
  const profile = Buffer.from('p')
  const chain = [Buffer.from('c')]
  const wrong: Readonly<Record<string, Parameters<typeof controlMessageCodec.encode>[0]>> = {
    'of no kind': {},
    'Hello of version 2': { hello: { version: 2, profile, endpoint } },
    'Hello without version': { hello: { profile, endpoint } },
    'Hello without profile': { hello: { version: 1, endpoint } },
    'Hello without endpoint': { hello: { version: 1, profile } },
    'Hello with a host name': {
      hello: { version: 1, profile, endpoint: { address: 'x', port: 1 } },
    },
    'Hello with a mapped address': {
      hello: { version: 1, profile, endpoint: { address: '::ffff:192.0.2.1', port: 1 } },
    },
    'Hello with port 0': { hello: { version: 1, profile, endpoint: { address: '192.0.2.1' } } },
    'Hello with port 70000': {
      hello: { version: 1, profile, endpoint: { address: '192.0.2.1', port: 70_000 } },
    },
    're-authentication without chain': { reauthenticate: { sequence: 1, profile } },
    're-authentication with five certificates': {
      reauthenticate: { sequence: 1, profile, chain: Array.from({ length: 5 }, () => profile) },
    },
    'result with an unknown reason': { reauthenticateResult: { sequence: 1, reason: 'because' } },
    'notice without reason': { streamNotice: { streamId: 1 } },
  }
  for (const [name, message] of Object.entries(wrong)) {
    it(`are refused as ${name}`, () => {
      expectControlError(() => decodeControlMessage(controlMessageCodec.encode(message)))
    })
  }

  it('are refused with an unknown field, cut off, or with two kinds', () => {
    const good = encodeControlMessage(hello).subarray(4)
    const result = controlMessageCodec.encode({ reauthenticateResult: { sequence: 1 } })
    expect(decodeControlMessage(good).kind).to.equal('hello')
    expectControlError(() =>
      decodeControlMessage(Buffer.concat([good, Buffer.from('fa0100', 'hex')])),
    )
    expectControlError(() => decodeControlMessage(good.subarray(0, -1)))
    expectControlError(() => decodeControlMessage(Buffer.concat([good, good])))
    expectControlError(() => decodeControlMessage(Buffer.concat([good, result])))
    expectControlError(() =>
      decodeControlMessage(
        controlMessageCodec.encode({ reauthenticate: { chain, sequence: 2 ** 60 } }),
      ),
    )
  })

  it('are not sent when too large', () => {
    expectControlError(() =>
      encodeControlMessage({ ...hello, profile: Buffer.alloc(maxMessageBytes) }),
    )
  })
})

describe('ControlChannel', () => {
  function channel(): { push: (bytes: Buffer) => void; log: string[] } {
    const log: string[] = []
    const control = new ControlChannel({
      onHello: () => log.push('hello'),
      onMessage: (message) => log.push(message.kind),
      onViolation: (error) => log.push(error.message),
      onClosed: () => log.push('closed'),
    })
    const handlers = control.handlers()
    return {
      log,
      push: (bytes) => {
        handlers.onData(bytes, holdNothing)
      },
    }
  }
  const encoded = messages.map(encodeControlMessage)

  it('takes Hello first', () => {
    const { push, log } = channel()
    push(Buffer.concat(encoded))
    expect(log).to.deep.equal(['hello', 'reauthenticate', 'result', 'result', 'notice'])
  })

  it('refuses any other message before Hello, and a second Hello', () => {
    for (const [index, bytes] of encoded.entries()) {
      const { push, log } = channel()
      if (index === 0) push(bytes)
      push(bytes)
      expect(log.at(-1)).to.match(/^control stream: (expected Hello first|a second Hello)/)
    }
  })
})
