import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { listenTls, type TlsListener } from '../../src/controller/server/listener.ts'
import { issueOwnCertificate } from '../../src/controller/server/own-certificate.ts'
import { keySha256, spkiOf } from '../../src/identity/index.ts'
import { eventually } from '../support/poll.ts'
import { createTestAuthority } from '../support/test-authority.ts'
import { createRecordingLogger } from '../support/test-controller.ts'

const hourMs = 3_600_000

/** A connection, and the key that it was shown. */
async function dial({ address: { host, port } }: TlsListener) {
  const socket = connect({ host, port, ALPNProtocols: ['h2'], rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) throw new Error('expected a certificate')
  return { socket, shown: keySha256(spkiOf(certificate.publicKey)) }
}

describe('the gRPC port', () => {
  it('knows the key that each connection was shown, whenever the certificate was renewed', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    const issue = () => issueOwnCertificate(authority, hourMs, clock)
    const [first, second] = [await issue(), await issue()]
    const known: string[] = []
    await using listener = await listenTls({
      listen: { host: '127.0.0.1', port: 0 },
      identity: first,
      limits: { connections: 10, handshakes: 10, handshakeMs: 5_000 },
      log: createRecordingLogger(),
      onConnection: (_, ownKeySha256) => known.push(ownKeySha256),
      onRefused: () => undefined,
    })
    const shown: string[] = []
    for (const identity of [first, first, second]) {
      listener.renew(identity)
      const connection = await dial(listener)
      await eventually('the connection to be taken', () => known[shown.length])
      connection.socket.destroy()
      shown.push(connection.shown)
    }
    expect(shown).to.deep.equal([first.keySha256, first.keySha256, second.keySha256])
    expect(known).to.deep.equal(shown)
  })
})
