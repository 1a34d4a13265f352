import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { parse as parseYaml } from 'yaml'
import { parseIidKeys } from '../../src/attest/iid/index.ts'
import { runBlazon, type CliRun } from '../support/cli-run.ts'
import { expectGolden } from '../support/golden.ts'
import { realIid } from '../support/real-iids.ts'
import {
  mintBlob,
  signDetached,
  southRegion,
  testDocument,
  testKeyFile,
} from '../support/test-iid.ts'

const rsa2048 = realIid('ap-southeast-2-rsa2048')
const pkcs7 = realIid('us-west-2-pkcs7')
const signature = realIid('us-east-1-signature')

const verify = (...words: readonly string[]): Promise<CliRun> =>
  runBlazon(['iid', 'verify', ...words])

describe('blazon iid verify', function () {
  this.timeout(20_000)
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blazon-iid-'))
  })
  after(async () => {
    await rm(folder, { recursive: true })
  })
  const file = async (name: string, content: Buffer | string): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, content)
    return path
  }

  for (const [form, words] of [
    ['rsa2048', ['--rsa2048', rsa2048.files.signed]],
    ['pkcs7', ['--pkcs7', pkcs7.files.signed]],
    ['signature', ['--signature', signature.files.signed, '--document', signature.files.document]],
  ] as const) {
    it(`prints what a genuine ${form} proves`, async () => {
      const table = await verify(...words)
      expect([table.code, table.stderr === '']).to.deep.equal([0, form === 'rsa2048'])
      if (form !== 'rsa2048') expect(table.stderr).to.match(/^note: .* weak form/)
      expectGolden(`cli/iid-${form}.txt`, table.stdout)
      const json = await verify(...words, '-o', 'json')
      expectGolden(`cli/iid-${form}.json.txt`, json.stdout)
      const yaml = await verify(...words, '-o', 'yaml')
      expect(parseYaml(yaml.stdout)).to.deep.equal(JSON.parse(json.stdout))
    })
  }

  it('takes base64, PEM and DER', async () => {
    const text = rsa2048.signed.toString('base64')
    for (const [name, content] of [
      ['blob.txt', text],
      ['blob.pem', `-----BEGIN PKCS7-----\n${text}\n-----END PKCS7-----\n`],
      ['blob.der', rsa2048.signed],
    ] as const) {
      expect((await verify('--rsa2048', await file(name, content))).code).to.equal(0)
    }
  })

  it('takes the document that is inside the blob, and no other', async () => {
    const { signed, document } = rsa2048.files
    expect((await verify('--rsa2048', signed, '--document', document)).code).to.equal(0)
    const changed = rsa2048.document.toString().replace('189292791360', '999999999999')
    const run = await verify('--rsa2048', signed, '--document', await file('changed.json', changed))
    expect([run.code, run.stdout]).to.deep.equal([1, ''])
    expect(run.stderr).to.match(/^error: refused, document-mismatch: the document beside the blob/)
    expect(run.stderr).to.contain('hint: keep --document to the byte')
  })

  it('says why it refuses', async () => {
    for (const [words, message] of [
      [['--pkcs7', rsa2048.files.signed], 'refused, wrong-algorithm: expected sha1'],
      [['--rsa2048', pkcs7.files.signed], 'hint: are --rsa2048 and --pkcs7 mixed up?'],
      [['--rsa2048', await file('cut.der', rsa2048.signed.subarray(0, 900))], 'refused, truncated'],
      [
        ['--rsa2048', await file('south.der', mintBlob({ form: 'rsa2048', region: southRegion }))],
        'refused, unknown-region: the document says region "test-south-1"',
      ],
      [
        ['--signature', signature.files.signed, '--document', rsa2048.files.document],
        'refused, signature-invalid',
      ],
      [['--rsa2048', join(folder, 'nowhere')], 'cannot read'],
      [['--rsa2048', folder], 'cannot read'],
      [['--rsa2048', rsa2048.files.document], 'expected base64, PEM or DER'],
      [['--rsa2048', await file('large', Buffer.alloc(100_000))], 'larger than 65536 bytes'],
    ] as const) {
      const run = await verify(...words)
      expect([run.code, run.stdout]).to.deep.equal([1, ''])
      expect(run.stderr).to.match(/^error: /)
      expect(run.stderr).to.contain(message)
    }
  })

  it('refuses wrong usage with exit code 2', async () => {
    const { signed, document } = rsa2048.files
    for (const words of [
      [],
      ['--document', document],
      ['--rsa2048', signed, '--pkcs7', signed],
      ['--signature', signed],
      ['--rsa2048'],
      ['--rsa2048', signed, 'more'],
    ]) {
      const run = await verify(...words)
      expect([run.code, run.stdout]).to.deep.equal([2, ''])
      expect(run.stderr).to.match(/^error: [^]*hint: `blazon iid verify --help` shows its usage\n$/)
    }
  })

  it('trusts further keys that it is given, by option or by the surroundings', async () => {
    const document = testDocument({}, southRegion)
    const minted = signDetached(document, southRegion)
    const words = ['iid', 'verify', '--signature', await file('signature.bin', minted.signature)]
    words.push('--document', await file('document.json', document))
    const keys = await file('keys.json', testKeyFile([southRegion]))
    expect((await runBlazon(words)).code).to.equal(1)
    expect((await runBlazon(words, { iidKeysFile: keys })).code).to.equal(0)
    expect((await runBlazon([...words, '--keys', keys])).code).to.equal(0)
    const broken = await runBlazon([...words, '--keys', await file('broken.json', '{}')])
    expect(broken.code).to.equal(1)
    expect(broken.stderr).to.match(
      /broken\.json: expected "version": 1\nhint: docs\/aws-iid-keys\.md/,
    )
  })
})

describe('scripts/import-iid-keys.ts', function () {
  this.timeout(20_000)
  const run = promisify(execFile)
  const script = fileURLToPath(new URL('../../scripts/import-iid-keys.ts', import.meta.url))
  const certificate = fileURLToPath(
    new URL('../vectors/iid/us-east-2-rsa2048/certificate.pem', import.meta.url),
  )

  it('makes a key file of a certificate', async () => {
    const { stdout } = await run(process.execPath, [
      script,
      ...['--region', 'us-east-2', '--form', 'rsa2048', '--source', 'AWS', certificate],
    ])
    const keys = parseIidKeys(Buffer.from(stdout), 'stdout')
    expect(keys.all.length).to.equal(1)
    expect(keys.find('us-east-2', 'rsa2048')).to.deep.include({
      keySha256: '4240329e1c76f3bcb302eea0091877aa56b01128a29721b2c63592b2192c60fa',
      signers: [
        {
          issuer: 'C=US, ST=Washington State, L=Seattle, O=Amazon Web Services LLC',
          serial: 'cd3ba1e5f8c5ebdd',
        },
      ],
    })
  })

  it('refuses wrong usage with exit code 2', async () => {
    const failed = await run(process.execPath, [script, '--region', 'us-east-2']).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failed).to.have.property('code', 2)
  })
})
