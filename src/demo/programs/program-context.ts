import type { Account } from '../account.ts'
import type { Guard } from '../guard.ts'
import type { Supervisor } from '../supervisor.ts'
import type { Programs } from './installed.ts'

/** What every program of the demonstration is started with. */
export interface ProgramContext {
  readonly programs: Programs
  readonly account: Account
  readonly supervisor: Supervisor
  readonly guard: Guard
  readonly signal: AbortSignal
  /** A new directory that belongs to the account of the programs. */
  directory(name: string): Promise<string>
}
