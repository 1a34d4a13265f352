import { expect } from 'chai'
import { codeOf } from '../../../src/base/errors.ts'
import { adminMethods } from '../../../src/controller/admin/methods.ts'
import type { Caller } from '../../../src/controller/caller.ts'
import { servedMethods } from '../../../src/controller/gateway/api.ts'
import { adminRoles, type AdminRole } from '../../../src/identity/index.ts'
import { adminService } from '../../../src/rpc/index.ts'

/** The weakest role that may call each method: docs/administration.md says the same in words. */
const needed: Readonly<Record<keyof typeof adminService, AdminRole>> = {
  Status: 'viewer',
  Apply: 'editor',
  ListDocuments: 'viewer',
  DeleteDocument: 'editor',
  Explain: 'viewer',
  ListHistory: 'viewer',
  ListWorkloads: 'viewer',
  RevokeWorkload: 'admin',
  SetLabels: 'editor',
  CreateJoinToken: 'admin',
  ListNodes: 'viewer',
  GrantEnrolment: 'admin',
  ListAccounts: 'viewer',
  PutAccount: 'admin',
  DeleteAccount: 'admin',
  ListIncidents: 'viewer',
  ResolveIncident: 'admin',
  ListFlows: 'viewer',
  FollowFlows: 'viewer',
  RotateIssuer: 'admin',
  TaintIssuer: 'admin',
  ReadAudit: 'admin',
  AuditHead: 'viewer',
  RenewAdministrator: 'viewer',
  CreateSignInLink: 'viewer',
}

const connection = { source: '192.0.2.1', controllerKeySha256: '' }
const holderOf = (role: AdminRole): Caller => ({
  ...connection,
  kind: 'administrator',
  credential: { kind: 'token', notAfter: 1e15 },
  administratorId: 'ada',
  name: 'ada',
  role,
})

/** What a handler that has nothing to work with makes of a caller: the role comes before everything. */
async function outcome(name: string, caller: Caller): Promise<'refused' | 'let through'> {
  const method = adminMethods[name]
  const [deps, request, sink] = [{}, {}, {}] as never[]
  try {
    if (method?.kind === 'unary') await method.run(deps as never, caller, request as never)
    else method?.open(deps as never, caller, request as never, sink as never, () => undefined)
  } catch (error: unknown) {
    const refusals = ['ERR_PERMISSION', 'ERR_UNAUTHENTICATED']
    const isAboutRole = error instanceof Error && error.message.includes('this call needs')
    if (refusals.includes(codeOf(error) ?? '') && isAboutRole) return 'refused'
  }
  return 'let through'
}

describe('methods of the Admin service', () => {
  it('are all there, and served by HTTP but for those that need a certificate', () => {
    expect(Object.keys(adminMethods).sort()).to.deep.equal(Object.keys(adminService).sort())
    const apart = Object.keys(needed).filter((name) => !servedMethods.includes(name as never))
    expect(apart).to.deep.equal(['RenewAdministrator', 'CreateSignInLink'])
  })

  for (const [name, role] of Object.entries(needed)) {
    it(`${name} is for administrators, from ${role} on`, async () => {
      expect(await outcome(name, { kind: 'anonymous', ...connection })).to.equal('refused')
      const workload = { kind: 'workload', ...connection } as Caller
      expect(await outcome(name, workload)).to.equal('refused')
      for (const held of adminRoles) {
        const isEnough = adminRoles.indexOf(held) >= adminRoles.indexOf(role)
        expect(await outcome(name, holderOf(held)), held).to.equal(
          isEnough ? 'let through' : 'refused',
        )
      }
    })
  }
})
