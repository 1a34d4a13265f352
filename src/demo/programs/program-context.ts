import type { Account } from '../account.ts'
import type { Guard } from '../guard.ts'
import type { Machine } from '../machine.ts'
import type { Supervisor } from '../supervisor.ts'
import type { Programs } from './installed.ts'

/** What every program of the demonstration is started with. */
export interface ProgramContext {
  readonly programs: Programs
  readonly account: Account
  /** Where it is started. */
  readonly machine: Machine
  readonly supervisor: Supervisor
  readonly guard: Guard
  readonly signal: AbortSignal
  /** A new directory that belongs to the account of the programs, or another one. */
  directory(name: string, owner?: Account): Promise<string>
}
