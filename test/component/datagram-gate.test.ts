import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  datagramLimits,
  decodeSeenDatagrams,
  encodeDatagramTable,
  linesOf,
  type DatagramTable,
} from '../../src/base/datagram-table.ts'
import { openDatagramGate } from '../../src/intercept/datagram-gate.ts'
import { temporaryDirectory } from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'

const table: DatagramTable = [
  { port: 53, first: '192.0.2.0', last: '192.0.2.255' },
  { port: 123, first: '2001:db8::1', last: '2001:db8::1' },
  { port: 0, first: '192.0.2.1', last: '192.0.2.1' },
]
const sidecar = { uid: 1337, gid: 1337 }
const listed = JSON.stringify({
  nftables: [
    { metainfo: {} },
    {
      set: {
        name: 'sent_udp4',
        elem: [
          { elem: { val: { concat: ['192.0.2.1', 53] }, counter: { packets: 2, bytes: 62 } } },
        ],
      },
    },
    {
      set: {
        name: 'received_icmp6',
        elem: [{ elem: { val: '2001:db8::1', counter: { packets: 1, bytes: 104 } } }],
      },
    },
  ],
})

describe('openDatagramGate()', () => {
  let stack: AsyncDisposableStack
  let path: string
  let account: { uid: number; gid: number } | undefined
  let said: string[]
  let ran: string[]
  let nft: (input: string) => string
  let setListing: (text: string) => void

  beforeEach(async () => {
    stack = new AsyncDisposableStack()
    const directory = stack.use(await temporaryDirectory())
    path = join(directory.path, 'gate')
    account = sidecar
    said = []
    ran = []
    nft = () => ''
    let listing = '{}'
    setListing = (text) => (listing = text)
    const gate = await openDatagramGate({
      path,
      peerOf: () => account,
      warn: (message) => said.push(message),
      nft: async (args, input = '') => {
        if (args.includes('list')) return listing
        ran.push(input)
        return await Promise.resolve(nft(input))
      },
    })
    stack.use(gate)
    expect(inForce()).to.deep.equal([])
  })
  afterEach(async () => {
    await stack.disposeAsync()
  })

  /** The elements that nft was told of last. */
  const inForce = (): string[] => {
    const last = ran.at(-1) ?? ''
    expect(last.match(/^flush set inet blazon datagrams_/gm)).to.have.length(4)
    return last.match(/^add element .*$/gm) ?? []
  }
  const dial = async (): Promise<Socket> => {
    const socket = connect(path)
    socket.on('error', () => undefined)
    stack.defer(() => {
      socket.destroy()
    })
    await once(socket, 'connect')
    return socket
  }
  const tell = (socket: Socket, line: string): void => {
    socket.write(`${line}\n`)
  }
  const ended = async (socket: Socket): Promise<void> => {
    socket.resume()
    await eventually('its end', () => socket.closed)
  }

  it('puts a table into the sets in one transaction, and answers with what was counted', async () => {
    setListing(listed)
    const socket = await dial()
    tell(socket, encodeDatagramTable(table))
    for await (const line of linesOf(socket)) {
      expect(decodeSeenDatagrams(line)).to.deep.equal([
        { direction: 'sent', address: '192.0.2.1', port: 53, packets: 2, bytes: 62 },
        { direction: 'received', address: '2001:db8::1', port: 0, packets: 1, bytes: 104 },
      ])
      break
    }
    expect(ran.filter((input) => input.includes('add'))).to.have.length(1)
    const applied = ran.find((input) => input.includes('add'))
    expect(applied?.match(/^add element .*$/gm)).to.deep.equal([
      'add element inet blazon datagrams_icmp4 { 192.0.2.1 timeout 15s }',
      'add element inet blazon datagrams_udp4 { 192.0.2.0-192.0.2.255 . 53 timeout 15s }',
      'add element inet blazon datagrams_udp6 { 2001:db8::1 . 123 timeout 15s }',
    ])
  })

  it('refuses all again when the sidecar goes, and when it ends itself', async () => {
    for (const end of [(socket: Socket) => socket.destroy(), () => void stack.disposeAsync()]) {
      const socket = await dial()
      tell(socket, encodeDatagramTable(table))
      await eventually('the table', () => ran.length > 0 && inForce().length === 3)
      end(socket)
      await eventually('nothing to be allowed', () => inForce().length === 0)
    }
  })

  for (const stranger of [
    { uid: 1000, gid: 1000 },
    { uid: 1337, gid: 0 },
    { uid: 0, gid: 1337 },
    undefined,
  ]) {
    it(`takes nothing from ${stranger === undefined ? 'who is not known' : JSON.stringify(stranger)}`, async () => {
      const good = await dial()
      tell(good, encodeDatagramTable(table))
      await eventually('the table', () => inForce().length === 3)
      account = stranger
      const before = ran.length
      const socket = await dial()
      tell(socket, encodeDatagramTable([]))
      await ended(socket)
      expect(ran).to.have.length(before)
      expect(good.destroyed).to.equal(false)
      expect(said.join()).to.match(/refused a connection of uid/)
    })
  }

  const tooMany = Array.from({ length: datagramLimits.places + 1 }, () => [1, '::1', '::1'])
  const malformed: Readonly<Record<string, string>> = {
    'no JSON': '[',
    'no list': '{}',
    'too much': JSON.stringify(tooMany),
    'another port': '[[65536,"192.0.2.1","192.0.2.1"]]',
    'half a port': '[[1.5,"192.0.2.1","192.0.2.1"]]',
    'a port as text': '[["53","192.0.2.1","192.0.2.1"]]',
    'text for nft': '[[53,"192.0.2.1","192.0.2.1 . 53 }; flush ruleset"]]',
    'two families': '[[53,"192.0.2.1","::1"]]',
    'a range from its end': '[[53,"192.0.2.2","192.0.2.1"]]',
    'a network': '[[53,"192.0.2.0/24","192.0.2.0/24"]]',
    'one good and one bad': '[[53,"192.0.2.1","192.0.2.1"],[53]]',
  }
  for (const [what, line] of Object.entries(malformed)) {
    it(`takes nothing of a table with ${what}, and lets nothing be allowed after it`, async () => {
      const socket = await dial()
      tell(socket, line)
      await ended(socket)
      await eventually('all to be refused', () => ran.length === 2)
      expect(inForce()).to.deep.equal([])
      expect(said.join()).to.match(/cut off a sidecar/)
    })
  }

  it('reads no line without an end', async () => {
    const socket = await dial()
    const piece = Buffer.alloc(datagramLimits.lineBytes / 4, '[')
    for (let count = 0; count < 6; count++) socket.write(piece)
    await ended(socket)
    expect(said.join()).to.match(/shorter line/)
  })

  it('lets a later sidecar take the place of an earlier one, whose end then changes nothing', async () => {
    const first = await dial()
    tell(first, encodeDatagramTable(table))
    await eventually('the table', () => inForce().length === 3)
    const second = await dial()
    await ended(first)
    tell(second, encodeDatagramTable(table.slice(0, 1)))
    await eventually('the later table', () => inForce().length === 1)
  })

  it('refuses all where a table cannot be applied', async () => {
    nft = (input) => {
      if (input.includes('add')) throw new Error('conflicting intervals specified')
      return ''
    }
    const socket = await dial()
    tell(socket, encodeDatagramTable(table))
    await ended(socket)
    await eventually('all to be refused', () => inForce().length === 0)
    expect(said.join()).to.match(/conflicting/)
  })
})
