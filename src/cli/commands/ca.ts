import { quote } from '../../base/errors.ts'
import { readCertificate } from '../../identity/certificate.ts'
import type { IssuerStatus__Output } from '../../rpc/generated/blazon/v1/IssuerStatus.ts'
import type { AdminClient } from '../client.ts'
import type { Context } from '../context.ts'
import { CliError } from '../failure.ts'
import type { Host } from '../host.ts'
import { isoTime, relativeTime } from '../moment.ts'
import { note, writeResult, type OutputForm } from '../output.ts'
import { tableLines, type Cell } from '../table.ts'
import { outputOption, withClient, type CommandSetup } from './command.ts'

interface Outcome {
  readonly issuers: readonly IssuerStatus__Output[]
  readonly lagging: readonly string[]
}

/** `ca`: the issuing keys of the mesh. */
export function addCa({ program, host }: CommandSetup): void {
  const ca = program
    .command('ca')
    .summary('show, replace and taint the issuing keys')
    .description('The issuing keys of the mesh.')
  ca.command('status')
    .summary('show the issuers and their states')
    .description('Show the issuers and their states.')
    .addOption(outputOption())
    .action(async (options: { readonly output: OutputForm }) => {
      const { issuers } = await withClient(host, (client) => client.status())
      writeOutcome(host, options.output, { issuers, lagging: [] })
    })
  ca.command('rotate')
    .summary('replace the active issuer by a new one')
    .description(
      'Prepare the next issuer now. It takes over as soon as it has had a minute to become known; what the ' +
        'old one has signed stays good.',
    )
    .addOption(outputOption())
    .action(async (options: { readonly output: OutputForm }) => {
      const outcome = await withClient(host, (client) => rotate(host, client))
      writeOutcome(host, options.output, outcome)
    })
  ca.command('taint')
    .summary('refuse everything that an issuer has signed, at once')
    .description(
      'Refuse everything that an issuer has signed, at once and for good. Its workloads lose their ' +
        'connections and have to enrol again: for a key that somebody else may have.',
    )
    .argument('<key>', 'SHA-256 of its key as `ca status` shows it, or the beginning of it')
    .addOption(outputOption())
    .action(async (key: string, options: { readonly output: OutputForm }) => {
      const outcome = await withClient(host, (client) => taint(host, client, key))
      writeOutcome(host, options.output, outcome)
    })
}

async function rotate(host: Host, client: AdminClient): Promise<Outcome> {
  const outcome = await client.rotateIssuer()
  const [{ readContextFile, writeContextFile }, { withBundle }] = await Promise.all([
    import('../context-file.ts'),
    import('../credential.ts'),
  ])
  // The controller will show a certificate of the new issuer, which has to be known by then.
  const context = await readContextFile(host.contextFile)
  await writeContextFile(host.contextFile, withBundle(context, outcome.bundle, host.clock.now()))
  return outcome
}

async function taint(host: Host, client: AdminClient, key: string): Promise<Outcome> {
  const { issuers } = await client.status()
  const keySha256 = oneIssuer(issuers, key)
  const [{ readContextFile, writeContextFile }, { prepareReplacement, withBundle }] =
    await Promise.all([import('../context-file.ts'), import('../credential.ts')])
  const context = await readContextFile(host.contextFile)
  if (!isSignedBy(context, keySha256)) {
    const outcome = await client.taintIssuer({ keySha256 })
    await writeContextFile(host.contextFile, withBundle(context, outcome.bundle, host.clock.now()))
    return outcome
  }
  const replacement = await prepareReplacement(context)
  const outcome = await client.taintIssuer({ keySha256, csr: replacement.csr })
  await writeContextFile(host.contextFile, replacement.complete(outcome, host.clock.now()))
  note(host, 'note: this credential was signed by that issuer, and has been replaced')
  return outcome
}

function isSignedBy({ chain }: Context, keySha256: string): boolean {
  const [, issuer] = chain
  return issuer !== undefined && readCertificate(issuer).keySha256 === keySha256
}

function oneIssuer(issuers: readonly IssuerStatus__Output[], key: string): string {
  const wanted = key.toLowerCase()
  if (!/^[0-9a-f]{8,64}$/.test(wanted)) {
    throw new CliError('ERR_USAGE', `expected 8 to 64 hexadecimal digits, got ${quote(key)}`)
  }
  const found = issuers.filter(({ keySha256 }) => keySha256.startsWith(wanted))
  const [first] = found
  // A whole one is the controller's to judge: JWT keys are not listed.
  if (first === undefined && wanted.length === 64) return wanted
  if (first === undefined || found.length > 1) {
    throw new CliError(
      'ERR_NOT_FOUND',
      `${String(found.length)} issuers have a key that begins with ${wanted}`,
      { hints: ['`blazon ca status` lists them'] },
    )
  }
  return first.keySha256
}

const tones = { ACTIVE: 'good', PREPARED: 'good', TAINTED: 'bad' } as const

function writeOutcome(host: Host, form: OutputForm, { issuers, lagging }: Outcome): void {
  const view = {
    issuers: issuers.map(({ keySha256, state, notAfterMs }) => ({
      keySha256,
      state: state.toLowerCase(),
      notAfter: isoTime(notAfterMs),
    })),
    lagging,
  }
  writeResult(host, form, view, () => {
    const columns = [{ title: 'ISSUER' }, { title: 'STATE' }, { title: 'ENDS' }]
    const rows = issuers.map(({ keySha256, state, notAfterMs }): Cell[] => [
      keySha256,
      state in tones
        ? { text: state.toLowerCase(), tone: tones[state as keyof typeof tones] }
        : state.toLowerCase(),
      relativeTime(notAfterMs, host.clock.now()),
    ])
    const late = lagging.map((workloadId): Cell[] => [{ text: workloadId, tone: 'warn' }])
    return [
      ...tableLines(columns, rows, host.stdout.colour),
      ...(late.length === 0
        ? []
        : ['', ...tableLines([{ title: 'NOT YET ACKNOWLEDGED BY' }], late, host.stdout.colour)]),
    ]
  })
}
