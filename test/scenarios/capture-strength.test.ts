import { fileURLToPath } from 'node:url'
import { sidecarId } from '../../src/base/sidecar-account.ts'
import type { CaptureStrength } from '../../src/sidecar/capture-strength.ts'
import { startCapturedMesh, workloadId, type CapturedMesh } from '../support/captured-mesh.ts'
import { whyNoNetwork, type Machine, type Program } from '../support/network.ts'
import { eventually } from '../support/poll.ts'
import { findPrograms } from '../support/programs.ts'
import { testRule } from '../support/test-controller.ts'

const look = [
  process.execPath,
  fileURLToPath(new URL('../support/look-at-capture.ts', import.meta.url)),
  String(workloadId),
]
const blazon = fileURLToPath(new URL('../../src/main/blazon.ts', import.meta.url))
const reason = whyNoNetwork()
const suite = reason === undefined ? describe : describe.skip

/** Runs a command under the account of the workload, with capabilities (`+net_raw`) or without any. */
function asWorkload(capabilities: string, ...command: readonly string[]): string[] {
  const set = capabilities === '' ? '-all' : `-all,${capabilities}`
  return [
    ...['setpriv', `--reuid=${String(workloadId)}`, `--regid=${String(workloadId)}`],
    ...['--clear-groups', `--bounding-set=${set}`, `--inh-caps=${set}`, `--ambient-caps=${set}`],
    ...command,
  ]
}

const unshare = { x64: 272, arm64: 97 }[process.arch as string] ?? 0
const newPids = 0x2000_0000

/**
 * A process with NET_RAW that lives for less than a millisecond, and its child goes on. All that is in a PID
 * namespace with a process that ignores the dead and takes everything with it when it ends. Neither that one nor
 * the one that has made the namespace keeps a capability: they would be seen instead.
 */
const handingOn = [
  ...['perl', '-e'],
  `setpgrp; syscall(${String(unshare)}, ${String(newPids)}) == 0 or die; ` +
    `fork or exec 'perl', '-e', @ARGV; exec qw(${asWorkload('', 'sleep', '60').join(' ')})`,
  `$SIG{CHLD} = 'IGNORE'; fork or exec qw(${asWorkload('+net_raw', 'perl', '-e').join(' ')}), '1 until fork && exit'; exec @ARGV`,
  ...asWorkload('', 'sleep', '60'),
]

suite(`how strong capture is${reason === undefined ? '' : ` (${reason})`}`, function () {
  this.timeout(180_000)

  let mesh: CapturedMesh<'web'>
  let web: Machine

  before(async () => {
    await findPrograms('nft', 'curl', 'perl')
    mesh = await startCapturedMesh(['web'])
    ;({ web } = mesh.machines)
    await mesh.apply(testRule.replace("app.*: '*'", "capture.strength: '*', app.*: '*'"))
  })
  after(async () => {
    await mesh[Symbol.asyncDispose]()
  })

  /** As a sidecar sees it: under its account, without any capability. */
  const seen = async (): Promise<CaptureStrength> => {
    const { stdout, stderr } = await web.run(look, { as: sidecarId, timeoutMs: 30_000 })
    if (stdout === '') throw new Error(`nothing was seen: ${stderr}`)
    return JSON.parse(stdout) as CaptureStrength
  }
  const eventuallyWeak = async (because: RegExp): Promise<void> => {
    let last: CaptureStrength | undefined
    await eventually(`weak because of ${String(because)}`, async () => {
      last = await seen()
      return last.value === 'weak' && because.test(last.because)
    }).catch((error: unknown) => {
      throw new Error(`it was ${JSON.stringify(last)}`, { cause: error })
    })
  }

  it('is weak until the rules are loaded, and when they are removed', async () => {
    const program = web.start(asWorkload('', 'sleep', '600'))
    await eventuallyWeak(/rules/)
    await mesh.intercept('web', '--resolvers', mesh.machines.controller.v4)
    await eventually('strong', async () => (await seen()).value === 'strong')
    await mesh.intercept('web', '--remove')
    await eventuallyWeak(/rules/)
    await program.end()
  })

  it('is strong by the rules for datagrams too, but not with their gate in sight', async () => {
    const program = web.start(asWorkload('', 'sleep', '600'))
    const words = ['intercept', '--hold', '--datagrams', '--resolvers', mesh.machines.controller.v4]
    const gate = web.start([process.execPath, blazon, ...words])
    await eventuallyWeak(/NET_ADMIN/)
    await gate.end()
    await eventually('strong', async () => (await seen()).value === 'strong')
    await program.end()
  })

  describe('beside a workload without capabilities', () => {
    let workload: Program

    before(async () => {
      await mesh.intercept('web', '--resolvers', mesh.machines.controller.v4)
      workload = web.start(asWorkload('', 'sleep', '600'))
      await eventually('strong', async () => (await seen()).value === 'strong')
    })
    after(async () => {
      await workload.end()
    })

    const attackers: Readonly<Record<string, readonly [command: string[], because: RegExp]>> = {
      'a program with NET_RAW': [asWorkload('+net_raw', 'sleep', '600'), /NET_RAW$/],
      'a program with NET_ADMIN': [asWorkload('+net_admin', 'sleep', '600'), /NET_ADMIN$/],
      'a program that has become the sidecar': [
        ['setpriv', '--reuid=1337', '--regid=1337', '--clear-groups', 'sleep', '600'],
        /uid or gid of sidecars$/,
      ],
      'a program with a raw socket from when it was allowed one': [
        [
          ...['perl', '-e', '$^F = 9; socket(S, 17, 3, 0x300) or die; exec @ARGV or die'],
          ...asWorkload('', 'sleep', '600'),
        ],
        /packet socket$/,
      ],
      'a program with NET_RAW that hands on to a child all the time': [
        handingOn,
        /NET_RAW$|come and go/,
      ],
    }
    for (const [what, [command, because]] of Object.entries(attackers)) {
      it(`is weak with ${what}`, async () => {
        const program = web.start(command)
        await eventuallyWeak(because)
        await endOf(program)
        await eventually('strong', async () => (await seen()).value === 'strong')
      })
    }

    it('is in the SVID of a sidecar, and follows what programs can do', async () => {
      const strength = async (): Promise<string | undefined> => {
        const text = await mesh.administer('workloads', 'web', '-o', 'json')
        return /"capture\.strength",\s*"value":\s*"(\w+)"/.exec(text)?.[1]
      }
      const sidecar = await mesh.startSidecar('web', { BLAZON_WORKLOAD_UID: String(workloadId) })
      // Not from the start: the test has looked whether the sidecar is ready, as root.
      await eventually('strong', async () => (await strength()) === 'strong', 60_000)
      const raw = web.start(asWorkload('+net_raw', 'sleep', '600'))
      await eventually('weak', async () => (await strength()) === 'weak', 60_000)
      await raw.end()
      await sidecar.program.end()
    })
  })
})

/** Ends a program and its group, where it has made one. */
async function endOf(program: Program): Promise<void> {
  const { pid } = program.child
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has none.
  }
  await program.end('SIGKILL')
}
