import type { Account } from './account.ts'

/** Where a program runs: on this machine, or on one that the demonstration has made for a workload. */
export interface Machine {
  /** What to spawn for a program to run there, under this account or else the usual one there. */
  launch(command: string, args: readonly string[], account?: Account): Launch
}

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  /** For whoever spawns it, where the command does not see to it. */
  readonly switchTo: Account['switchTo']
}

/** This machine, where programs run under our own account unless said. */
export const thisMachine: Machine = {
  launch: (command, args, account) => ({ command, args, switchTo: account?.switchTo }),
}
