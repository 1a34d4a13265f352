import { readFile } from 'node:fs/promises'
import type { HostPort } from '../../base/env.ts'
import { messageOf, quote } from '../../base/errors.ts'
import type { Context } from '../context.ts'
import { CliError } from '../failure.ts'
import type { Host } from '../host.ts'
import { isoTime, relativeTime, shownTime } from '../moment.ts'
import { note, writeResult, type OutputForm } from '../output.ts'
import { pairLines, type Cell } from '../table.ts'
import { printSignInLink } from './console.ts'
import { addressArgument, argument, outputOption, type CommandSetup } from './command.ts'

interface LoginOptions {
  readonly controller?: HostPort
  readonly bundle?: string
  readonly fingerprint?: string
  readonly secretFile?: string
  readonly name?: string
  readonly browser?: boolean
  readonly output: OutputForm
}

const maxSecretCharacters = 1_024

/** `login` and `context`: becoming an administrator, and seeing which one we are. */
export function addLogin({ program, host }: CommandSetup): void {
  program
    .command('login')
    .summary('become the first administrator of a new controller')
    .description(
      'Become the first administrator of a new controller. The secret is in a file that the controller ' +
        'writes at its first start; it is sent only after the controller has proved itself.',
    )
    .option('--controller <host:port>', 'address of the controller', addressArgument)
    .option('--bundle <file>', 'PEM roots by which the controller is recognised')
    .option(
      '--fingerprint <hex>',
      'or: SHA-256 of its root certificate',
      argument(parseFingerprint),
    )
    .option('--secret-file <file>', 'file with the one-time secret')
    .option('--name <name>', 'who you are, for the record (default: your user name)')
    .option(
      '--browser',
      'print a link that signs a browser in; alone: with the credential of before',
    )
    .addOption(outputOption())
    .action(async (options: LoginOptions) => {
      const { controller, secretFile, browser = false } = options
      if (!browser || controller !== undefined || secretFile !== undefined) {
        const context = await login(host, options)
        if (!browser) await writeContext(host, context, options.output)
      }
      if (browser) await printSignInLink(host, options.output)
    })
  program
    .command('context')
    .summary('show which controller and credential are in use')
    .description('Show which controller and credential are in use. No key is shown.')
    .addOption(outputOption())
    .action(async (options: { readonly output: OutputForm }) => {
      const { readContextFile } = await import('../context-file.ts')
      await writeContext(host, await readContextFile(host.contextFile), options.output)
    })
}

async function login(host: Host, options: LoginOptions): Promise<Context> {
  const { controller, secretFile } = options
  if (controller === undefined || secretFile === undefined) {
    throw new CliError('ERR_USAGE', 'expected --controller and --secret-file')
  }
  if ((options.bundle === undefined) === (options.fingerprint === undefined)) {
    throw new CliError('ERR_USAGE', 'expected one of --bundle and --fingerprint', {
      hints: ['without it, anybody could answer in place of the controller'],
    })
  }
  const secret = await readSecret(secretFile)
  const [{ claim }, { requireWritable, writeContextFile }] = await Promise.all([
    import('../credential.ts'),
    import('../context-file.ts'),
  ])
  await requireWritable(host.contextFile)
  const context = await claim({
    address: controller,
    trust: { kind: 'roots', roots: await pinnedRoots(host, controller, options) },
    secret,
    name: options.name ?? host.userName,
    now: () => host.clock.now(),
    signal: host.signal,
  })
  await writeContextFile(host.contextFile, context)
  note(host, `note: credential written to ${host.contextFile}; the secret is used up`)
  return context
}

async function pinnedRoots(
  host: Host,
  controller: HostPort,
  options: LoginOptions,
): Promise<Buffer[]> {
  if (options.fingerprint !== undefined) {
    const { fetchRoot } = await import('../channel.ts')
    const timeout = AbortSignal.timeout(10_000)
    const signal = AbortSignal.any([host.signal, timeout])
    return [await fetchRoot(controller, options.fingerprint, signal)]
  }
  const { requireCertificates } = await import('../pem.ts')
  const path = options.bundle ?? ''
  return requireCertificates(await readText(path), path)
}

async function readSecret(path: string): Promise<string> {
  const secret = (await readText(path)).trim()
  if (secret === '' || secret.length > maxSecretCharacters) {
    throw new CliError(
      'ERR_FILE',
      `${path}: expected a secret, got ${String(secret.length)} characters`,
    )
  }
  return secret
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new CliError('ERR_FILE', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** SHA-256 as hex, with or without the colons that OpenSSL writes. */
function parseFingerprint(text: string): string {
  const hex = text.toLowerCase().replaceAll(':', '')
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new Error(`expected 64 hexadecimal digits (a SHA-256), got ${quote(text)}`)
  }
  return hex
}

async function writeContext(host: Host, context: Context, form: OutputForm): Promise<void> {
  const [{ administratorOf }, { formatHostPort }, { rootFingerprint }] = await Promise.all([
    import('../context.ts'),
    import('../../base/env.ts'),
    import('../../identity/verify-controller.ts'),
  ])
  const { certificate, spiffeId, role } = administratorOf(context.chain)
  const view = {
    file: host.contextFile,
    controller: formatHostPort(context.controller),
    trustDomain: context.bundle.trustDomain,
    role,
    spiffeId,
    serial: certificate.serial,
    notAfter: isoTime(certificate.notAfter),
    rootFingerprints: context.bundle.roots.map(rootFingerprint),
  }
  const { notAfter } = certificate
  const now = host.clock.now()
  const ends: Cell = {
    text: `${shownTime(notAfter)} (${relativeTime(notAfter, now)})`,
    tone: now > notAfter ? 'bad' : 'good',
  }
  const pairs: [string, Cell][] = [
    ['file', view.file],
    ['controller', { text: view.controller, tone: 'strong' }],
    ['trust domain', view.trustDomain],
    ['role', view.role],
    ['certificate ends', ends],
    ...view.rootFingerprints.map((fingerprint): [string, Cell] => ['root', fingerprint]),
  ]
  writeResult(host, form, view, () => pairLines(pairs, host.stdout.colour))
}
