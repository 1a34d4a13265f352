import type { KeyObject } from 'node:crypto'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { seal, sealingKey, unseal, type SealPurpose } from './sealed-state.ts'
import { SidecarError } from './sidecar-error.ts'
import type { StateDirectory } from './state-directory.ts'
import {
  checkNotOlder,
  decodeHighWater,
  decodeState,
  emptyState,
  encodeHighWater,
  encodeState,
  type HighWater,
  type StoredState,
} from './stored-state.ts'

const stateFile = 'state.sealed'
const highestFile = 'highest.sealed'

/** What outlives this process: read once at the start, and written whole whenever it changes. */
export interface StateKeeper {
  readonly state: StoredState
  /** Changes the state and resolves when it is on the disk; calls made meanwhile share one write. */
  save(change: Partial<StoredState>): Promise<void>
}

/**
 * Opens the sealed state. One that was altered, or is older than one already applied, is not used:
 * the sidecar starts with nothing but the highest version and time, so it denies all until the
 * controller has spoken (DESIGN §3).
 */
export async function openStateKeeper(options: {
  readonly directory: StateDirectory
  readonly nodeKey: KeyObject
  readonly trustDomain: string
  readonly workload: string
  readonly log: Logger
}): Promise<StateKeeper> {
  const { directory, trustDomain, workload, log } = options
  const key = sealingKey(options.nodeKey)
  const purpose = (file: SealPurpose['file']): SealPurpose => ({ trustDomain, workload, file })
  let state = await load()
  let isMarked = (await directory.read(highestFile)) !== undefined
  let written = Promise.resolve()
  let next: Promise<void> | undefined

  async function load(): Promise<StoredState> {
    const highest = await readOr(highestFile, (sealed) =>
      decodeHighWater(unseal(key, purpose('highest'), sealed)),
    )
    const stored = await readOr(stateFile, (sealed) => {
      const opened = decodeState(unseal(key, purpose('state'), sealed))
      checkNotOlder(opened, highest)
      return opened
    })
    return joinHighest(stored ?? emptyState, highest)
  }

  async function readOr<T>(name: string, open: (sealed: Buffer) => T): Promise<T | undefined> {
    const sealed = await directory.read(name)
    if (sealed === undefined) return undefined
    try {
      return open(sealed)
    } catch (error: unknown) {
      if (!(error instanceof SidecarError)) throw error
      log.error({ file: name, code: error.code, error: messageOf(error) }, 'sealed state refused')
      return undefined
    }
  }

  async function write(): Promise<void> {
    next = undefined
    const current = state
    // Without a mark no state counts, so the very first comes after its mark.
    if (!isMarked) await writeMark(current)
    isMarked = true
    await directory.write(stateFile, seal(key, purpose('state'), encodeState(current)))
    // After it, so that a crash between the two leaves a state that is not older than its mark.
    await writeMark(current)
  }

  async function writeMark(current: StoredState): Promise<void> {
    await directory.write(highestFile, seal(key, purpose('highest'), encodeHighWater(current)))
  }

  return {
    get state() {
      return state
    },
    save: async (change) => {
      state = { ...state, ...change }
      next ??= written = written.catch(() => undefined).then(write)
      await next
    },
  }
}

function joinHighest(state: StoredState, highest: HighWater | undefined): StoredState {
  return {
    ...state,
    highestVersion: Math.max(state.highestVersion, highest?.highestVersion ?? 0),
    highestTimeMs: Math.max(state.highestTimeMs, highest?.highestTimeMs ?? 0),
  }
}
