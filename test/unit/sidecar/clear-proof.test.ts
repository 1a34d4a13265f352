import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import {
  mayBePreamble,
  preambleBytes,
  proofsOf,
  readPreamble,
  type ClearConnection,
  type ClearProofs,
} from '../../../src/sidecar/clear/clear-proof.ts'

/** A tunnel whose secrets come from one key, as those of a TLS session do. */
const tunnelOf = (session: string) => ({
  exportSecret: (label: string, bytes: number) =>
    createHmac('sha256', session).update(label).digest().subarray(0, bytes),
})
const connection: ClearConnection = {
  streamId: 3,
  destination: { address: '203.0.113.7', port: 5432 },
  generations: [1, 2],
}

function proofs(session = 'a', change: Partial<ClearConnection> = {}): ClearProofs {
  const found = proofsOf(tunnelOf(session), { ...connection, ...change })
  if (found === undefined) throw new Error('expected proofs')
  return found
}

describe('proofs of a connection in clear', () => {
  it('are the same at both ends', () => {
    expect(proofs()).to.deep.equal(proofs())
  })

  it('are found again in what the dialling end says', () => {
    const { preamble, key, ofDialler } = proofs()
    expect(preamble).to.have.length(preambleBytes)
    expect(readPreamble(preamble)).to.deep.equal({ key, proof: ofDialler })
  })

  it('are different for each end, so that none is sent back as the other', () => {
    const { ofDialler, ofAcceptor } = proofs()
    expect(ofDialler.equals(ofAcceptor)).to.equal(false)
  })

  const others: Readonly<Record<string, ClearProofs>> = {
    'another tunnel': proofs('b'),
    'another stream': proofs('a', { streamId: 5 }),
    'another port': proofs('a', { destination: { address: '203.0.113.7', port: 5433 } }),
    'another address': proofs('a', { destination: { address: '203.0.113.8', port: 5432 } }),
    'another family': proofs('a', { destination: { address: '::cb00:7107', port: 5432 } }),
    'another generation of the dialling end': proofs('a', { generations: [2, 2] }),
    'another generation of the accepting end': proofs('a', { generations: [1, 3] }),
    'generations the other way round': proofs('a', { generations: [2, 1] }),
  }
  for (const [what, other] of Object.entries(others)) {
    it(`are different for ${what}`, () => {
      expect(other.ofDialler.equals(proofs().ofDialler)).to.equal(false)
      expect(other.ofAcceptor.equals(proofs().ofAcceptor)).to.equal(false)
    })
  }

  it('cannot be made once the tunnel is gone', () => {
    expect(proofsOf({ exportSecret: () => undefined }, connection)).to.equal(undefined)
  })

  it('begin like nothing else that arrives', () => {
    const { preamble } = proofs()
    for (let length = 0; length <= preamble.length; length++) {
      expect(mayBePreamble(preamble.subarray(0, length))).to.equal(true)
    }
    for (const text of ['\x16\x03\x01', 'GET / HTTP/1.1', '\0blazon-clear/2\n', '\0\0\0\x08']) {
      expect(mayBePreamble(Buffer.from(text))).to.equal(false)
    }
  })
})
