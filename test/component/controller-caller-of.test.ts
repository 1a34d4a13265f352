import { expect } from 'chai'
import {
  callerOf,
  checkStillGood,
  needAdministrator,
  needWorkload,
  type Caller,
  type Trust,
} from '../../src/controller/caller.ts'
import { ControllerError } from '../../src/controller/controller-error.ts'
import {
  createFloors,
  verifyPeer,
  type AdminRole,
  type VerifiedPeer,
} from '../../src/identity/index.ts'
import { createTestCa, type TestLeaf } from '../support/test-ca.ts'
import { expectError } from '../support/expect-error.ts'

const ca = createTestCa()
const connection = { source: '192.0.2.1', controllerKeySha256: '00' }
const peerOf = ({ chain }: TestLeaf): VerifiedPeer => {
  const verdict = verifyPeer({ chain, bundle: ca.bundle(), floors: ca.floors, now: ca.now })
  if (!verdict.ok) throw new Error(verdict.detail)
  return verdict.peer
}
const trust = (change: Partial<Trust> = {}): Trust => ({
  bundle: () => ca.bundle(),
  floors: () => ca.floors,
  now: () => ca.now,
  ...change,
})
const known = (): { administratorId: string; name: string } => ({
  administratorId: '1',
  name: 'ada',
})
const administrator = (role: AdminRole): Caller =>
  callerOf(peerOf(ca.admin(role)), connection, known)

describe('callerOf()', () => {
  it('takes an administrator by serial, and no other', () => {
    expect(administrator('admin').kind).to.equal('administrator')
    const unknown = callerOf(peerOf(ca.admin('admin')), connection, () => undefined)
    expect(unknown).to.deep.include({ kind: 'refused', code: 'unknown-administrator' })
  })

  it('refuses who is neither workload nor administrator', () => {
    for (const leaf of [ca.controller(), ca.reserved('/blazon/node')]) {
      expect(callerOf(peerOf(leaf), connection, known).kind).to.equal('refused')
    }
  })
})

describe('needAdministrator()', () => {
  const roles = ['viewer', 'editor', 'admin'] as const
  for (const [has, role] of roles.entries()) {
    for (const [needs, needed] of roles.entries()) {
      it(`${has >= needs ? 'lets' : 'does not let'} a ${role} do what needs ${needed}`, () => {
        const call = (): unknown => needAdministrator(administrator(role), needed)
        if (has >= needs) expect(call()).to.deep.include({ name: 'ada' })
        else expectError(call, ControllerError, 'ERR_PERMISSION')
      })
    }
  }
})

describe('needWorkload()', () => {
  it('takes a workload and nobody else', () => {
    const workload = callerOf(peerOf(ca.workload({ name: 'web' })), connection, known)
    expect(needWorkload(workload).kind).to.equal('workload')
    expectError(() => needWorkload(administrator('admin')), ControllerError, 'ERR_PERMISSION')
    const stranger: Caller = { kind: 'anonymous', ...connection }
    expectError(() => needWorkload(stranger), ControllerError, 'ERR_UNAUTHENTICATED')
  })
})

describe('checkStillGood()', () => {
  const leaf = ca.workload({ name: 'web', generation: 2 })
  const caller = callerOf(peerOf(leaf), connection, known)
  const floor = (generation: number): Trust =>
    trust({
      floors: () =>
        createFloors(1, [
          {
            workloadId: leaf.facts.workloadId,
            lowestGoodGeneration: generation,
            untilMs: leaf.notAfter,
          },
        ]),
    })

  it('lets a caller on whose certificate holds', () => {
    checkStillGood(caller, trust())
    checkStillGood(caller, floor(2))
  })

  const issuerIs = (state: 'tainted' | undefined): Trust =>
    trust({
      bundle: () => ca.bundle({ issuers: new Map(state && [[ca.issuer.keySha256, state]]) }),
    })
  const cases: Readonly<Record<string, Trust>> = {
    'has expired': trust({ now: () => leaf.notAfter }),
    'is below the floor': floor(3),
    'was signed by a tainted issuer': issuerIs('tainted'),
    'was signed by an issuer that is gone': issuerIs(undefined),
  }
  for (const [what, changed] of Object.entries(cases)) {
    it(`refuses a caller whose certificate ${what}`, () => {
      expectError(
        () => {
          checkStillGood(caller, changed)
        },
        ControllerError,
        'ERR_UNAUTHENTICATED',
      )
    })
  }
})
