import { Option } from 'commander'
import { demoCaptures, type DemoOptions } from '../host.ts'
import type { CommandSetup } from './command.ts'

/** `controller`, `sidecar`, `demo`: the long-running parts; the environment configures the first two. */
export function addProcesses({ program, host, finish }: CommandSetup): void {
  program
    .command('controller')
    .summary('run the controller')
    .description('Run the controller until it is told to stop. BLAZON_* variables configure it.')
    .action(async () => {
      await host.launch.controller(host.signal)
    })
  program
    .command('sidecar')
    .summary('run the sidecar of one workload')
    .description(
      'Run the sidecar of one workload until it is told to stop. BLAZON_* variables configure it.',
    )
    .action(async () => {
      await host.launch.sidecar(host.signal)
    })
  program
    .command('demo')
    .summary('run a controller and real programs behind sidecars')
    .description(
      'Run a controller and real programs behind sidecars on this machine, and show what policy lets through.',
    )
    .option('--once', 'check everything it shows, then exit with 0 or 1')
    .addOption(
      new Option(
        '--capture <form>',
        'how connections reach the sidecars (default: redirect where this machine allows it)',
      ).choices(demoCaptures),
    )
    .action(async (options: Partial<DemoOptions>) => {
      finish(await host.launch.demo({ once: false, ...options }, host.signal))
    })
}
