import { InvalidArgumentError, Option } from 'commander'
import { quote } from '../../base/errors.ts'
import { splitPair } from '../attribute-set.ts'
import { CliError } from '../failure.ts'
import { isoTime, shownTime } from '../moment.ts'
import { note, writeResult, type OutputForm } from '../output.ts'
import {
  argument,
  countArgument,
  durationArgument,
  outputOption,
  withClient,
  type CommandSetup,
} from './command.ts'

interface TokenOptions {
  readonly uses: number
  readonly ttl: number
  readonly label: Readonly<Record<string, string>>
  readonly description: string
  readonly output: OutputForm
}

const mostUses = 100_000

/** `token create`: a join token, alone on stdout so that it can go straight into a file. */
export function addToken({ program, host }: CommandSetup): void {
  const token = program.command('token').description('Tokens with which a node joins the mesh.')
  token
    .command('create')
    .summary('create a join token')
    .description('Create a join token and print it. It is shown once and kept nowhere.')
    .option('--uses <number>', 'how many workloads may join with it', countArgument(mostUses), 1)
    .addOption(
      new Option('--ttl <duration>', 'how long it is good')
        .argParser(durationArgument)
        .default(3_600_000, '1h'),
    )
    .addOption(
      new Option('--label <key=value>', 'label.<key> of what joins with it; may be repeated')
        .argParser(addLabel)
        .default({}, 'none'),
    )
    .option('--description <text>', 'what it is for, for the record', '')
    .addOption(outputOption())
    .action(async (options: TokenOptions) => {
      if (options.ttl < 1_000) throw new CliError('ERR_USAGE', 'expected a --ttl of 1s or more')
      const response = await withClient(host, (client) =>
        client.createJoinToken({
          uses: options.uses,
          ttlSeconds: Math.floor(options.ttl / 1_000),
          labels: Object.entries(options.label).map(([key, value]) => ({ key, value })),
          description: options.description,
        }),
      )
      const workloads = options.uses === 1 ? 'one workload' : `${String(options.uses)} workloads`
      note(
        host,
        `note: token ${response.tokenId} is good for ${workloads} until ${shownTime(response.expiresAtMs)}`,
      )
      const view = {
        token: response.token,
        tokenId: response.tokenId,
        expiresAt: isoTime(response.expiresAtMs),
      }
      writeResult(host, options.output, view, () => [response.token])
    })
}

function addLabel(
  pair: string,
  before: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const [key, value] = argument(splitPair)(pair)
  if (Object.hasOwn(before, key)) {
    throw new InvalidArgumentError(`expected each label once, got ${quote(key)} twice`)
  }
  return { ...before, [key]: value }
}
