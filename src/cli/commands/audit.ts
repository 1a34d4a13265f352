import type { AuditEntry__Output } from '../../rpc/generated/blazon/v1/AuditEntry.ts'
import type { AuditHeadResponse__Output } from '../../rpc/generated/blazon/v1/AuditHeadResponse.ts'
import type { AdminClient } from '../client.ts'
import { headView, readHeads } from '../audit-head-file.ts'
import { verifyAudit } from '../audit-verification.ts'
import { CliError } from '../failure.ts'
import type { Host } from '../host.ts'
import { isoTime, shownTime } from '../moment.ts'
import { encodeNext, writeResult, type OutputForm } from '../output.ts'
import { printable } from '../printable.ts'
import { pairLines } from '../table.ts'
import { argument, countArgument, outputOption, withClient, type CommandSetup } from './command.ts'

interface VerifyOptions {
  readonly head?: string
  readonly keyId?: string
  readonly output: OutputForm
}

/** `audit`: who called what, and whether the record of it is whole. */
export function addAudit({ program, host }: CommandSetup): void {
  const audit = program
    .command('audit')
    .summary('show and verify the record of administrative calls')
    .description('Show the record of administrative calls, oldest first.')
    .option('--from <number>', 'first entry', countArgument(Number.MAX_SAFE_INTEGER), 1)
    .addOption(outputOption())
    .action(async (options: { readonly from: number; readonly output: OutputForm }) => {
      await withClient(host, (client) => show(host, client, options))
    })
  audit
    .command('head')
    .summary('print the signed end of the record')
    .description(
      'Print the signed end of the record. Keep it (-o json) where the controller cannot write: `audit ' +
        'verify --head` proves with it that nothing was changed or cut off since.',
    )
    .addOption(outputOption())
    .action(async (options: { readonly output: OutputForm }) => {
      const head = await withClient(host, (client) => client.auditHead())
      writeHead(host, options.output, head)
    })
  audit
    .command('verify')
    .summary('check that nothing was changed, left out or cut off')
    .description(
      'Recompute the whole record and check it against its signed end, and against ends that were kept ' +
        'elsewhere. Exit code 1 at any break.',
    )
    .option('--head <file>', 'signed ends: from `audit head -o json`, or a log of the controller')
    .option('--key-id <hex>', 'SHA-256 of the audit key, as known from elsewhere', argument(keyId))
    .addOption(outputOption())
    .action(async (options: VerifyOptions) => {
      await withClient(host, (client) => verify(host, client, options))
    })
}

async function show(
  host: Host,
  client: AdminClient,
  options: { readonly from: number; readonly output: OutputForm },
): Promise<void> {
  const { from, output } = options
  for await (const entry of client.readAudit({ fromSequence: from }, host.signal)) {
    host.stdout.write(output === 'table' ? `${lineOf(entry)}\n` : encodeNext(viewOf(entry), output))
  }
}

function lineOf(entry: AuditEntry__Output): string {
  const { sequence, timeMs, caller, method, requestJson, outcome } = entry
  return printable(
    [String(sequence), shownTime(timeMs), caller, method, outcome, requestJson].join('  '),
  )
}

function viewOf(entry: AuditEntry__Output): object {
  const { sequence, timeMs, caller, method, requestJson, outcome, previousHash, hash } = entry
  return {
    sequence,
    time: isoTime(timeMs),
    caller,
    method,
    request: requestJson,
    outcome,
    previousHash: previousHash.toString('hex'),
    hash: hash.toString('hex'),
  }
}

async function verify(host: Host, client: AdminClient, options: VerifyOptions): Promise<void> {
  const { readContextFile } = await import('../context-file.ts')
  const { bundle } = await readContextFile(host.contextFile)
  const kept = options.head === undefined ? [] : await readHeads(options.head)
  const verdict = await verifyAudit({
    trustDomain: bundle.trustDomain,
    present: await client.auditHead(),
    kept,
    keyId: options.keyId,
    entries: client.readAudit({ fromSequence: 1 }, host.signal),
  })
  if (host.signal.aborted) throw new CliError('ERR_INTERRUPTED', 'interrupted')
  const { entries, head } = verdict
  const view = { verified: true, entries, heads: verdict.heads, keyId: head.keyId }
  writeResult(host, options.output, view, () => [
    `${String(entries)} entries, none changed, left out or cut off`,
    ...(verdict.heads === 0
      ? ['not compared with a head from elsewhere: --head FILE']
      : [`${String(verdict.heads)} heads from elsewhere lie in it`]),
  ])
}

function writeHead(host: Host, form: OutputForm, head: AuditHeadResponse__Output): void {
  writeResult(host, form, headView(head), () =>
    pairLines(
      [
        ['entries', String(head.sequence)],
        ['hash', head.hash.toString('hex')],
        ['signed', shownTime(head.timeMs)],
        ['key', head.keyId],
      ],
      host.stdout.colour,
    ),
  )
}

function keyId(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase()
  throw new Error('expected 64 hexadecimal digits (a SHA-256)')
}
