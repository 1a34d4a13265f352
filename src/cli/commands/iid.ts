import type { Command } from 'commander'
import { AttestError } from '../../attest/errors.ts'
import {
  iidForms,
  kindOf,
  loadIidKeys,
  readBlob,
  verifyIid,
  type IidEvidence,
  type IidForm,
  type IidKeys,
  type IidRefusal,
  type VerifiedIid,
} from '../../attest/iid/index.ts'
import { messageOf } from '../../base/errors.ts'
import { readBounded } from '../bounded-file.ts'
import { CliError } from '../failure.ts'
import type { Host } from '../host.ts'
import { isoTime, shownTime } from '../moment.ts'
import { note, writeResult, type OutputForm } from '../output.ts'
import { pairLines } from '../table.ts'
import { outputOption, type CommandSetup } from './command.ts'

type VerifyOptions = Readonly<Partial<Record<IidForm, string>>> & {
  readonly document?: string
  readonly keys?: string
  readonly output: OutputForm
}

interface IidView {
  readonly region: string
  readonly account: string
  readonly instance: string
  readonly form: IidForm
  readonly weak: boolean
  readonly key: string
  readonly keySha256: string
  readonly pendingTime: string | null
  readonly signingTime: string | null
}

/** Text of a blob is a third larger than the blob, and has line ends. */
const maxFileBytes = 64 * 1024

/** `iid verify`: what an operator runs when an EC2 instance will not join. */
export function addIid({ program, host }: CommandSetup): void {
  const iid = program.command('iid').description('Signed identity documents of EC2 instances.')
  addVerify(iid, host)
}

function addVerify(iid: Command, host: Host): void {
  iid
    .command('verify')
    .summary('check that AWS signed a document, offline')
    .description(
      'Check that AWS signed an instance identity document, and say what it proves. Files are as the ' +
        'metadata service serves them below /latest/dynamic/instance-identity/, or PEM, or DER.',
    )
    .option('--rsa2048 <file>', 'PKCS#7 with SHA-256 and RSA-2048: the one to prefer')
    .option('--pkcs7 <file>', 'PKCS#7 with SHA-1 and DSA')
    .option('--signature <file>', 'signature of --document with SHA-256 and RSA-1024')
    .option('--document <file>', 'the document itself; must be the one that was signed')
    .option('--keys <file>', 'further keys to trust, beside those that come with the program')
    .addOption(outputOption())
    .action(async (options: VerifyOptions) => {
      const evidence = await readEvidence(options)
      const keys = await loadKeys(options.keys ?? host.iidKeysFile)
      const verdict = verifyIid(evidence, keys)
      if (!verdict.ok) throw refused(verdict.code, verdict.detail)
      if (verdict.weak) {
        note(
          host,
          `note: ${verdict.form} is a weak form, which counts only where an enrolment rule asks for it`,
        )
      }
      const view = viewOf(verdict, keys)
      writeResult(host, options.output, view, () => linesOf(host, view, verdict))
    })
}

async function readEvidence(options: VerifyOptions): Promise<IidEvidence> {
  const [form, ...more] = iidForms.filter((known) => options[known] !== undefined)
  if (form === undefined || more.length > 0) {
    throw new CliError('ERR_USAGE', 'expected one of --rsa2048, --pkcs7 and --signature')
  }
  const path = options[form] ?? ''
  if (form === 'signature' && options.document === undefined) {
    throw new CliError('ERR_USAGE', 'expected the --document that --signature is of')
  }
  const blob = readBlob(await readBounded(path, maxFileBytes))
  if (blob === undefined) throw new CliError('ERR_FILE', `${path}: expected base64, PEM or DER`)
  if (options.document === undefined) return { form: asBlobForm(form), blob }
  const document = await readBounded(options.document, maxFileBytes)
  return form === 'signature' ? { form, document, signature: blob } : { form, blob, document }
}

function asBlobForm(form: IidForm): 'rsa2048' | 'pkcs7' {
  if (form !== 'signature') return form
  throw new Error('BUG: a signature without its document')
}

async function loadKeys(additional: string | undefined): Promise<IidKeys> {
  try {
    return await loadIidKeys(additional)
  } catch (cause: unknown) {
    if (!(cause instanceof AttestError)) throw cause
    throw new CliError('ERR_FILE', messageOf(cause), { cause, hints: [keysHint] })
  }
}

function viewOf(verified: VerifiedIid, keys: IidKeys): IidView {
  const { document, form, weak, keySha256, signingTimeMs } = verified
  const key = keys.find(document.region, form)
  return {
    region: document.region,
    account: document.accountId,
    instance: document.instanceId,
    form,
    weak,
    key: key === undefined ? '' : kindOf(key.publicKey),
    keySha256,
    pendingTime: isoTime(document.pendingTimeMs),
    signingTime: signingTimeMs === undefined ? null : isoTime(signingTimeMs),
  }
}

function linesOf(host: Host, view: IidView, { document }: VerifiedIid): string[] {
  return pairLines(
    [
      ['region', view.region],
      ['account', view.account],
      ['instance', view.instance],
      ['form', view.form],
      ['key', `${view.key} ${view.keySha256}`],
      ['pending time', shownTime(document.pendingTimeMs)],
    ],
    host.stdout.colour,
  )
}

const keysHint = 'docs/aws-iid-keys.md says how keys are added and replaced'

/** What the likely culprit of some refusals is. */
const hints: Partial<Record<IidRefusal, string>> = {
  truncated: 'copy the whole of what the metadata service serves',
  'unknown-region': keysHint,
  'no-key-for-form': 'use the rsa2048 form',
  'wrong-signer': keysHint,
  'wrong-algorithm': 'are --rsa2048 and --pkcs7 mixed up?',
  'digest-mismatch': 'the document was changed after it was signed',
  'document-mismatch': 'keep --document to the byte, without a newline at its end, or leave it out',
}

function refused(code: IidRefusal, detail: string): CliError {
  const hint = hints[code]
  return new CliError('ERR_INVALID', `refused, ${code}: ${detail}`, {
    hints: hint === undefined ? [] : [hint],
  })
}
