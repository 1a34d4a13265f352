import type { Logger } from '../base/logger.ts'
import { createAwsEvidence } from './aws-evidence.ts'
import type { EvidenceChoice } from './evidence-choice.ts'
import type { EvidenceSource } from './evidence-source.ts'
import type { InstanceMetadata } from './instance-metadata.ts'
import { joinTokenEvidence } from './join-token-evidence.ts'
import { x509Evidence } from './x509-evidence.ts'

/** The source that the configuration names. */
export function createEvidenceSource(options: {
  readonly choice: EvidenceChoice
  readonly metadata: InstanceMetadata | undefined
  readonly log: Logger
}): EvidenceSource {
  const { choice, metadata, log } = options
  switch (choice.kind) {
    case 'join-token':
      return withoutAttributes((signal) => joinTokenEvidence(choice.token, signal))
    case 'x509':
      return withoutAttributes((signal) => x509Evidence(choice, signal))
    case 'aws-iid':
      return createAwsEvidence({ metadata, wasChosen: true, log })
    case 'automatic':
      return createAwsEvidence({ metadata, wasChosen: false, log })
    default:
      return choice satisfies never
  }
}

function withoutAttributes(prepare: EvidenceSource['prepare']): EvidenceSource {
  return { prepare, observed: async () => [] }
}
