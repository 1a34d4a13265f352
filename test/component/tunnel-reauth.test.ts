import { expect } from 'chai'
import { verifyPeer, createFloors, type VerifiedPeer } from '../../src/identity/index.ts'
import {
  checkReauthentication,
  exporterContext,
  reauthenticationTranscript,
  signReauthentication,
} from '../../src/tunnel/reauth.ts'
import { createTestCa, type TestWorkload } from '../support/test-ca.ts'
import { localIdentity, trustOf } from '../support/tunnel-pair.ts'

const ca = createTestCa()
const workloadId = '00112233445566778899aabbccddeeff'
const old = ca.workload({ name: 'a', workloadId, generation: 3 })
const renewed = ca.workload({ name: 'a', workloadId, generation: 4 })
const exporter = Buffer.alloc(32, 7)

function peerOf(workload: TestWorkload): VerifiedPeer {
  const verdict = verifyPeer({ chain: workload.chain, ...trustOf(ca) })
  if (!verdict.ok) throw new Error(verdict.detail)
  return verdict.peer
}
const current = peerOf(old)

function ask(
  workload: TestWorkload,
  change: Partial<Parameters<typeof checkReauthentication>[0]> = {},
): ReturnType<typeof checkReauthentication> {
  const message = signReauthentication({
    direction: 'dialler',
    sequence: 1,
    exporter,
    identity: localIdentity(workload),
  })
  return checkReauthentication({
    message,
    direction: 'dialler',
    lastSequence: 0,
    exporter,
    current,
    trust: trustOf(ca),
    ...change,
  })
}

describe('re-authentication', () => {
  it('has one exporter context per direction and sequence', () => {
    expect(exporterContext('dialler', 1).toString('hex')).to.equal('010000000000000001')
    expect(exporterContext('acceptor', 2 ** 40).toString('hex')).to.equal('020000010000000000')
  })

  it('signs a length-prefixed list, so that no two inputs give the same bytes', () => {
    const transcript = reauthenticationTranscript({
      direction: 'acceptor',
      sequence: 2,
      exporter: Buffer.from('ee', 'hex'),
      chain: [],
      profile: Buffer.alloc(0),
    })
    expect(transcript.toString('hex')).to.equal(
      '00000010' +
        Buffer.from('blazon-reauth-v1').toString('hex') +
        '00000009' +
        '020000000000000002' +
        '00000001' +
        'ee' +
        '00000020' +
        'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
  })

  it('accepts the same workload in a later or the same generation', () => {
    for (const workload of [renewed, ca.workload({ name: 'a', workloadId, generation: 3 })]) {
      const verdict = ask(workload)
      expect(verdict.ok && verdict.peer.serial).to.equal(peerOf(workload).serial)
    }
  })

  it('refuses forgeries', () => {
    const message = signReauthentication({
      direction: 'dialler',
      sequence: 1,
      exporter,
      identity: { ...localIdentity(renewed), privateKey: old.privateKey },
    })
    const foreign = ca.workload({ name: 'a', generation: 9 })
    const profile = ca.workload({
      name: 'a',
      workloadId,
      generation: 4,
      facts: { profileDigest: 'ab'.repeat(32) },
    })
    const cases = {
      'the old key': ask(renewed, { message }),
      'another session': ask(renewed, { exporter: Buffer.alloc(32, 8) }),
      'the other direction': ask(renewed, { direction: 'acceptor' }),
      'an old sequence': ask(renewed, { lastSequence: 1 }),
      'a sequence ahead': ask(renewed, { lastSequence: -1 }),
      'another workload': ask(foreign),
      'a lower generation': ask(ca.workload({ name: 'a', workloadId, generation: 2 })),
      'a profile that the certificate does not prove': ask(profile),
    }
    for (const [name, verdict] of Object.entries(cases)) {
      expect(verdict.ok ? 'accepted' : verdict.forged, name).to.equal(true)
    }
  })

  it('refuses, without calling it a forgery, what trust does not cover', () => {
    const floors = createFloors(1, [{ workloadId, lowestGoodGeneration: 5, untilMs: ca.now * 2 }])
    const unlisted = ca.workload({ name: 'a', workloadId, generation: 4, issuer: ca.addIssuer() })
    const cases = [
      { verdict: ask(renewed, { trust: trustOf(ca, { floors }) }), reason: 'below-floor' },
      {
        verdict: ask(renewed, { trust: trustOf(ca, { now: ca.now + 7_200_000 }) }),
        reason: 'identity-expired',
      },
      { verdict: ask(unlisted), reason: 'untrusted-peer' },
    ]
    for (const { verdict, reason } of cases) {
      expect(verdict).to.include({ ok: false, forged: false, reason })
    }
  })
})
