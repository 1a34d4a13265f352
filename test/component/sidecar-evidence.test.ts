import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { formatHostPort } from '../../src/base/env.ts'
import { toPem } from '../../src/cli/pem.ts'
import type { Sidecar } from '../../src/sidecar/index.ts'
import type { Attribute__Output } from '../../src/rpc/generated/blazon/v1/Attribute.ts'
import { testTrustDomain } from '../support/enrolment-client.ts'
import { startFakeImds, type FakeImds } from '../support/fake-imds.ts'
import {
  recordingLogger,
  startTestSidecar,
  temporaryDirectory,
  type RecordingLogger,
} from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'
import { createTestCa } from '../support/test-ca.ts'
import { startTestController, type TestController } from '../support/test-controller.ts'
import { mintBlob, testDocument, testKeyFile } from '../support/test-iid.ts'

const account = '123456789012'
const rules = `
kind: EnrolmentRule
name: instances
spec: { match: { aws.account: '${account}' }, names: [web], claims: { imds.*: '*' } }
---
kind: EnrolmentRule
name: certified
spec: { match: { label.x509-uri: '*' }, names: [web] }
---
kind: EnrolmentRule
name: given
spec: { match: { label.join: test }, names: [web], claims: { imds.*: '*' } }
`
const mac = '02:29:96:8f:6a:2d'

function metadata(): Readonly<Record<string, string>> {
  const pendingTime = new Date().toISOString().replace(/\.[0-9]+Z$/, 'Z')
  const document = testDocument({ accountId: account, pendingTime })
  const blob = mintBlob({ form: 'rsa2048', document }).toString('base64')
  return {
    'dynamic/instance-identity/rsa2048': blob.replaceAll(/.{76}/g, '$&\n'),
    'meta-data/mac': mac,
    'meta-data/hostname': 'ip-10-0-1-242.ec2.internal',
  }
}

interface Instance extends AsyncDisposable {
  readonly controller: TestController
  readonly imds: FakeImds
  readonly log: RecordingLogger
  readonly directory: string
  start(environment: Readonly<Record<string, string>>): Promise<Sidecar>
  attributes(): Promise<readonly Attribute__Output[]>
}

const authority = createTestCa({ trustDomain: 'other.example' })

async function startInstance(): Promise<Instance> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const controller = stack.use(
    await startTestController({
      files: {
        'iid-keys.json': testKeyFile(),
        'x509-ca.pem': toPem(authority.root.certificate),
      },
      config: { timings: { tickMs: 50, graceMs: 200, reauthenticateMs: 200 } },
    }),
  )
  await (await controller.admin()).call('PutAccount', { accountId: account, name: 'test' })
  await controller.apply(rules)
  const imds = stack.use(await startFakeImds(metadata()))
  const log = recordingLogger()
  const owned = stack.move()
  return {
    controller,
    imds,
    log,
    directory: directory.path,
    start: async (environment) => {
      const sidecar = await startTestSidecar(
        {
          address: controller.controller.address,
          trustDomain: testTrustDomain,
          root: controller.root,
          joinToken: '',
        },
        {
          name: 'web',
          stateDirectory: join(directory.path, 'web'),
          environment: {
            BLAZON_IMDS_ENDPOINT: `http://${formatHostPort(imds.address)}`,
            ...environment,
          },
          log,
        },
      )
      owned.use(sidecar)
      return sidecar
    },
    attributes: async () => {
      const { workloads } = await (await controller.admin()).call('ListWorkloads', {})
      return workloads[0]?.attributes ?? []
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const ready = (): AbortSignal => AbortSignal.timeout(10_000)
const documentsRead = ({ imds }: Instance): number =>
  imds.requests.filter((request) => request.endsWith('/rsa2048')).length
const wordOf = (attributes: readonly Attribute__Output[], key: string): string => {
  const found = attributes.find((one) => one.key === key)
  return found === undefined ? 'nothing' : `${found.value} ${found.provenance}`
}

describe('a sidecar on an instance', () => {
  it('enrols by the signed document; what IMDS says beside it is observed', async () => {
    await using instance = await startInstance()
    const sidecar = await instance.start({ BLAZON_EVIDENCE: 'aws-iid' })
    await sidecar.whenReady(ready())
    const attributes = await instance.attributes()
    expect(wordOf(attributes, 'aws.account')).to.equal(`${account} SIGNED`)
    expect(wordOf(attributes, 'aws.region')).to.equal('test-north-1 SIGNED')
    expect(wordOf(attributes, 'imds.mac')).to.equal(`${mac} OBSERVED`)
    expect(wordOf(attributes, 'imds.reservation-id')).to.equal('nothing')
  })

  it('does so by itself where it has no join token', async () => {
    await using instance = await startInstance()
    const sidecar = await instance.start({})
    await sidecar.whenReady(ready())
    expect(wordOf(await instance.attributes(), 'aws.account')).to.equal(`${account} SIGNED`)
  })

  it('uses the join token where it has one, and asks IMDS nothing', async () => {
    await using instance = await startInstance()
    const sidecar = await instance.start({ BLAZON_JOIN_TOKEN: await instance.controller.token() })
    await sidecar.whenReady(ready())
    expect(instance.imds.requests).to.deep.equal([])
    expect(wordOf(await instance.attributes(), 'imds.mac')).to.equal('nothing')
  })

  it('reads the document anew for every attestation', async () => {
    await using instance = await startInstance()
    const sidecar = await instance.start({ BLAZON_EVIDENCE: 'aws-iid' })
    await sidecar.whenReady(ready())
    expect(documentsRead(instance)).to.equal(1)
    const admin = await instance.controller.admin()
    await admin.call('RevokeWorkload', { workload: 'web', reason: 'test' })
    await eventually('a second SVID', () => instance.log.of('SVID received').length >= 2)
    expect(documentsRead(instance)).to.be.at.least(2)
  })

  it('stays what it is when IMDS is not well at a renewal', async () => {
    await using instance = await startInstance()
    const sidecar = await instance.start({ BLAZON_EVIDENCE: 'aws-iid' })
    await sidecar.whenReady(ready())
    instance.imds.fault = () => ({ status: 400, body: '' })
    await instance.controller.apply(`
kind: LabelAssignment
name: more
spec: { select: { aws.account: '${account}' }, labels: { label.app: web } }
`)
    await eventually('the renewal', async () => {
      const attributes = await instance.attributes()
      return wordOf(attributes, 'label.app') === 'web ASSIGNED'
    })
    expect(instance.log.of('instance metadata not read')).to.not.deep.equal([])
    expect(wordOf(await instance.attributes(), 'imds.mac')).to.equal(`${mac} OBSERVED`)
  })

  it('tells once of metadata that cannot be an attribute', async () => {
    await using instance = await startInstance()
    instance.imds.content.set('meta-data/hostname', 'two\nlines')
    const sidecar = await instance.start({ BLAZON_EVIDENCE: 'aws-iid' })
    await sidecar.whenReady(ready())
    const told = instance.log.of('instance metadata not usable as an attribute')
    expect(told.map(({ attribute }) => attribute)).to.deep.equal(['imds.hostname'])
  })

  const failures: readonly (readonly [
    what: string,
    breakIt: (imds: FakeImds) => void,
    why: RegExp,
  ])[] = [
    [
      'nothing answers, and names the hop limit',
      (imds) => {
        imds.fault = () => 'silence'
      },
      /hop limit/,
    ],
    [
      'IMDS is turned off',
      (imds) => {
        imds.enabled = false
      },
      /turned off/,
    ],
    [
      'IMDS has no document',
      (imds) => {
        imds.content.delete('dynamic/instance-identity/rsa2048')
      },
      /no signed document/,
    ],
    [
      'the document is not base64',
      (imds) => {
        imds.content.set('dynamic/instance-identity/rsa2048', '<html>')
      },
      /not base64/,
    ],
  ]
  for (const [what, breakIt, why] of failures) {
    for (const environment of [{}, { BLAZON_EVIDENCE: 'aws-iid' }]) {
      const chosen = 'BLAZON_EVIDENCE' in environment ? 'chosen' : 'automatic'
      it(`says that ${what} (${chosen}), and enrols once that is mended`, async () => {
        await using instance = await startInstance()
        const content = new Map(instance.imds.content)
        breakIt(instance.imds)
        const sidecar = await instance.start(environment)
        await eventually('a failure', () => instance.log.of('enrolment failed').length > 0)
        const [failure] = instance.log.of('enrolment failed')
        expect(failure).to.include({ code: 'ERR_NO_EVIDENCE' })
        expect(String(failure?.['error'])).to.match(why)
        expect(String(failure?.['error']).includes('BLAZON_JOIN_TOKEN')).to.equal(
          chosen === 'automatic',
        )
        instance.imds.fault = undefined
        instance.imds.enabled = true
        for (const [path, body] of content) instance.imds.content.set(path, body)
        await sidecar.whenReady(ready())
      })
    }
  }
}).timeout(30_000)

describe('a sidecar with a certificate of a configured CA', () => {
  const leaf = authority.workload({ name: 'web', attributes: [] })
  const files = (directory: string): Record<string, string> => ({
    BLAZON_EVIDENCE: 'x509',
    BLAZON_X509_CHAIN: join(directory, 'chain.pem'),
    BLAZON_X509_KEY: join(directory, 'key.pem'),
  })
  const pemOf = (key: typeof leaf.privateKey): string =>
    key.export({ format: 'pem', type: 'pkcs8' })

  it('enrols by it', async () => {
    await using instance = await startInstance()
    const { directory } = instance
    await writeFile(join(directory, 'chain.pem'), leaf.chain.map(toPem).join(''))
    await writeFile(join(directory, 'key.pem'), pemOf(leaf.privateKey))
    const sidecar = await instance.start(files(directory))
    await sidecar.whenReady(ready())
    expect(wordOf(await instance.attributes(), 'label.x509-uri')).to.match(/^spiffe:.* ASSIGNED$/)
    expect(instance.imds.requests).to.deep.equal([])
  })

  it('says what is wrong with its files, and enrols once they are mended', async () => {
    await using instance = await startInstance()
    const { directory, log } = instance
    const stranger = authority.workload({ name: 'other', attributes: [] })
    const failed = async (times: number, why: RegExp): Promise<void> => {
      await eventually('a failure', () => log.of('enrolment failed').length >= times)
      const failure = log.of('enrolment failed').at(-1)
      expect(failure).to.include({ code: 'ERR_NO_EVIDENCE' })
      expect(String(failure?.['error'])).to.match(why)
    }
    const failedNext = (why: RegExp): Promise<void> =>
      failed(log.of('enrolment failed').length + 1, why)
    const sidecar = await instance.start(files(directory))
    await failed(1, /a PEM chain \(leaf first\) in .*ENOENT/)
    await writeFile(join(directory, 'chain.pem'), 'nothing')
    await failedNext(/got 0/)
    await writeFile(join(directory, 'chain.pem'), leaf.chain.map(toPem).join(''))
    await writeFile(join(directory, 'key.pem'), pemOf(stranger.privateKey))
    await failedNext(/key of another certificate/)
    await writeFile(join(directory, 'key.pem'), pemOf(leaf.privateKey))
    await sidecar.whenReady(ready())
  })
}).timeout(30_000)
