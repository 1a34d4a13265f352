import { readBlob } from '../attest/iid/index.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Attribute } from '../identity/attributes.ts'
import { evidenceCodec } from '../rpc/index.ts'
import type { EvidenceSource } from './evidence-source.ts'
import type { InstanceMetadata } from './instance-metadata.ts'
import type { OwnIdentity } from './own-identity.ts'
import { SidecarError } from './sidecar-error.ts'

/**
 * The document that AWS signed of this instance, in the form with its own key per region, and what
 * the metadata service says beside it. `wasChosen` is false where it is only a guess that there is one.
 */
export function createAwsEvidence(options: {
  readonly metadata: InstanceMetadata | undefined
  readonly wasChosen: boolean
  readonly log: Logger
}): EvidenceSource {
  const { metadata, wasChosen, log } = options
  const told = new Set<string>()
  return {
    prepare: async (signal) => {
      const rsa2048 = await signedDocument(metadata, wasChosen, signal)
      const evidence = evidenceCodec.encode({ awsIid: { rsa2048 } })
      return () => evidence
    },
    observed: async (present, signal) => {
      if (metadata === undefined) return []
      try {
        const { attributes, unusable } = await metadata.attributes(signal)
        for (const { key, reason } of unusable) {
          if (told.has(key)) continue
          told.add(key)
          log.warn({ attribute: key, reason }, 'instance metadata not usable as an attribute')
        }
        return attributes
      } catch (error: unknown) {
        signal.throwIfAborted()
        if (wasChosen) log.warn({ error: messageOf(error) }, 'instance metadata not read')
        return remembered(present)
      }
    },
  }
}

async function signedDocument(
  metadata: InstanceMetadata | undefined,
  wasChosen: boolean,
  signal: AbortSignal,
): Promise<Buffer> {
  let served: Buffer | undefined
  try {
    served = await metadata?.identity('rsa2048', signal)
  } catch (cause: unknown) {
    signal.throwIfAborted()
    throw noEvidence(wasChosen, messageOf(cause), cause)
  }
  if (served === undefined) {
    throw noEvidence(wasChosen, 'the metadata service has no signed document of this instance')
  }
  const blob = readBlob(served)
  if (blob !== undefined && blob.length > 0) return blob
  throw noEvidence(wasChosen, 'the metadata service gave a signed document that is not base64')
}

function noEvidence(wasChosen: boolean, detail: string, cause?: unknown): SidecarError {
  const what = wasChosen
    ? 'no signed document of this instance'
    : 'no valid SVID and nothing to enrol with: set BLAZON_JOIN_TOKEN or BLAZON_JOIN_TOKEN_FILE, or BLAZON_EVIDENCE for something else, unless this is an EC2 instance'
  return new SidecarError('ERR_NO_EVIDENCE', `${what}: ${detail}`, { cause })
}

function remembered(present: OwnIdentity | undefined): readonly Attribute[] {
  const entries = [...(present?.profile.entries ?? [])]
  return entries
    .filter(([key]) => key.startsWith('imds.'))
    .flatMap(([key, { provenance, values }]) => values.map((value) => ({ key, value, provenance })))
}
