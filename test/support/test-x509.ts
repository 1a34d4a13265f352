import { sign, type KeyObject } from 'node:crypto'
import { x509Transcript, type X509Transcript } from '../../src/attest/index.ts'
import { subjectAltName, type Extension } from '../../src/ca/extensions.ts'
import { toPem } from '../../src/cli/pem.ts'
import { oidBytes } from '../../src/identity/index.ts'
import type { Evidence } from '../../src/rpc/generated/blazon/v1/Evidence.ts'
import { createTestCa, type LeafFaults, type TestCa, type TestLeaf } from './test-ca.ts'

/** Somebody else's CA, whose certificates say who a machine is. */
export interface OutsideCa {
  readonly ca: TestCa
  /** The file that a controller is given to trust it. */
  readonly pem: string
  /** A certificate for a machine, with an intermediate. */
  machine(name: string, faults?: LeafFaults): TestLeaf
}

const subjectAltNameOid = oidBytes('2.5.29.17')

export function createOutsideCa(): OutsideCa {
  const ca = createTestCa({ trustDomain: 'corp.example' })
  return {
    ca,
    pem: toPem(ca.root.certificate),
    machine: (name, faults = {}) =>
      ca.reserved('/machine', {
        ...faults,
        extensions: (right) => {
          const named = replaceNames(right, name)
          return faults.extensions?.(named) ?? named
        },
        spec: (right) => {
          const named = { ...right, subject: { commonName: name, organization: 'Corp' } }
          return faults.spec?.(named) ?? named
        },
      }),
  }
}

function replaceNames(extensions: readonly Extension[], name: string): Extension[] {
  const names = subjectAltName([
    { dns: `${name}.corp.example` },
    { uri: `https://${name}.corp.example/` },
  ])
  return extensions.map((one) => (one.oid.equals(subjectAltNameOid) ? names : one))
}

/** Evidence of a certificate: its key signs for the call it is part of. */
export function x509Evidence(
  { chain, privateKey }: { readonly chain: readonly Buffer[]; readonly privateKey: KeyObject },
  change: Partial<X509Transcript> = {},
): (said: Omit<X509Transcript, 'chain'>) => Evidence {
  return (said) => {
    const transcript = x509Transcript({ ...said, chain, ...change })
    const digest = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256'
    const signature = sign(digest, transcript, { key: privateKey, dsaEncoding: 'der' })
    return { x509: { chain: [...chain], signature } }
  }
}
