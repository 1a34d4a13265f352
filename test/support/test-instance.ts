import { hash } from 'node:crypto'
import type { IidForm } from '../../src/attest/iid/index.ts'
import type { AwsIidEvidence } from '../../src/rpc/generated/blazon/v1/AwsIidEvidence.ts'
import type { Evidence } from '../../src/rpc/generated/blazon/v1/Evidence.ts'
import { mintIid, northRegion, type TestRegion } from './test-iid.ts'

/** An instance whose documents are signed by a test region. */
export interface TestInstance {
  readonly accountId: string
  readonly region: string
  readonly instanceId: string
  /** What the controller calls it. */
  readonly nodeId: string
  /** The evidence of its document, as it was served after a start at that time. */
  evidence(pendingTimeMs: number, form?: IidForm): () => Evidence
}

export const testAccount = '123456789012'

/** An instance of that name: equal names are equal instances. */
export function testInstance(
  name: string,
  accountId: string = testAccount,
  inRegion: TestRegion = northRegion,
): TestInstance {
  const instanceId = `i-${hash('sha256', name).slice(0, 17)}`
  return {
    accountId,
    region: inRegion.name,
    instanceId,
    nodeId: `aws:${accountId}:${inRegion.name}:${instanceId}`,
    evidence: (pendingTimeMs, form = 'rsa2048') => {
      // A document has no milliseconds.
      const pendingTime = new Date(pendingTimeMs).toISOString().replace(/\.[0-9]+Z$/, 'Z')
      const signed = mintIid(form, { accountId, instanceId, pendingTime }, inRegion)
      return () => ({ awsIid: toWire(signed) })
    },
  }
}

function toWire(signed: ReturnType<typeof mintIid>): AwsIidEvidence {
  switch (signed.form) {
    case 'rsa2048':
      return { rsa2048: signed.blob }
    case 'pkcs7':
      return { pkcs7: signed.blob }
    case 'signature':
      return { signature: { document: signed.document, signature: signed.signature } }
    default:
      return signed satisfies never
  }
}
