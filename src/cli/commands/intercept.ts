import { once } from 'node:events'
import { integer, type Parse } from '../../base/env.ts'
import { addressList, cidrList } from '../../intercept/address-list.ts'
import { InterceptError } from '../../intercept/intercept-error.ts'
import { defaultOptions, portList, type InterceptOptions } from '../../intercept/options.ts'
import { CliError } from '../failure.ts'
import type { Host } from '../host.ts'
import { argument, portArgument, type CommandSetup } from './command.ts'

interface Options extends Partial<InterceptOptions> {
  readonly remove?: true
  readonly hold?: true
}

const mostUid = 4_294_967_294
const { egressPort, ingressPort, dnsPort } = defaultOptions

const portOrOff: Parse<InterceptOptions['dnsPort']> = (text) =>
  text === 'off' ? text : integer(1, 65_535)(text)

/** `intercept`: gives every connection of this network namespace to the sidecar. */
export function addIntercept({ program, host }: CommandSetup): void {
  program
    .command('intercept')
    .summary('give every connection of a network namespace to its sidecar')
    .description(
      'Load nftables rules into this network namespace: TCP goes through the sidecar both ways, ' +
        'everything else is refused. Only what runs with uid and gid 1337, the sidecar, goes out ' +
        'as it is. Loading again replaces the rules. Needs NET_ADMIN.',
    )
    .option(
      '--egress-port <port>',
      `where the sidecar takes outbound connections (${String(egressPort)})`,
      portArgument,
    )
    .option(
      '--ingress-port <port>',
      `where it takes inbound ones (${String(ingressPort)})`,
      portArgument,
    )
    .option(
      '--dns-port <port>',
      `where it answers questions for names (${String(dnsPort)}); off: programs ask the resolvers themselves`,
      argument(portOrOff),
    )
    .option(
      '--exclude-ports <ports>',
      'local TCP ports that are reached without the mesh',
      argument(portList),
    )
    .option(
      '--exclude-cidrs <ranges>',
      'networks with which everything is exchanged without the mesh, both ways',
      argument(cidrList),
    )
    .option(
      '--resolvers <addresses>',
      'name servers that may be asked (those of /etc/resolv.conf)',
      argument(addressList),
    )
    .option(
      '--workload-uid <uid>',
      'refuse if the workload would pass for the sidecar',
      argument(integer(0, mostUid)),
    )
    .option('--hold', 'stay until told to end: a container that owns the namespace for the others')
    .option(
      '--datagrams',
      'with --hold: let UDP and ping out where policy allows it, as the sidecar says',
    )
    .option('--remove', 'remove the rules: connections then go out as they are')
    .action(async (options: Options) => {
      await run(options, host)
    })
}

async function run({ remove, hold, ...options }: Options, host: Host): Promise<void> {
  if (remove === true && (hold === true || Object.keys(options).length > 0)) {
    throw new CliError('ERR_USAGE', '--remove takes no other options')
  }
  if (options.datagrams === true && hold !== true) {
    throw new CliError(
      'ERR_USAGE',
      '--datagrams needs --hold: somebody has to stay who may change rules',
    )
  }
  try {
    await host.launch.intercept(remove === true ? undefined : { ...defaultOptions, ...options })
  } catch (error: unknown) {
    throw worded(error, remove === true)
  }
  const done = remove === true ? 'nothing is captured any more' : 'connections are captured'
  host.stderr.write(`${done}\n`)
  if (hold !== true) return
  if (options.datagrams !== true) {
    await interrupted(host.signal)
    return
  }
  try {
    await host.launch.datagramGate((message) => {
      host.stderr.write(`${message}\n`)
    }, host.signal)
  } catch (error: unknown) {
    throw error instanceof InterceptError
      ? new CliError('ERR_CAPTURE', error.message, { cause: error })
      : error
  }
}

async function interrupted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const kept = setInterval(() => undefined, 2 ** 30) // who only waits for a signal would end
  await once(signal, 'abort')
  clearInterval(kept)
}

function worded(error: unknown, isRemoval: boolean): unknown {
  if (!(error instanceof InterceptError)) return error
  const { message, code } = error
  if (code === 'ERR_OPTIONS') return new CliError('ERR_USAGE', message, { cause: error })
  const hint = 'do not start the workload: it is not captured'
  return new CliError('ERR_CAPTURE', message, { cause: error, hints: isRemoval ? [] : [hint] })
}
