// Original file: proto/blazon/v1/enrolment.proto

import type { JoinTokenEvidence as _blazon_v1_JoinTokenEvidence, JoinTokenEvidence__Output as _blazon_v1_JoinTokenEvidence__Output } from '../../blazon/v1/JoinTokenEvidence.ts';
import type { AwsIidEvidence as _blazon_v1_AwsIidEvidence, AwsIidEvidence__Output as _blazon_v1_AwsIidEvidence__Output } from '../../blazon/v1/AwsIidEvidence.ts';
import type { AwsStsEvidence as _blazon_v1_AwsStsEvidence, AwsStsEvidence__Output as _blazon_v1_AwsStsEvidence__Output } from '../../blazon/v1/AwsStsEvidence.ts';
import type { X509Evidence as _blazon_v1_X509Evidence, X509Evidence__Output as _blazon_v1_X509Evidence__Output } from '../../blazon/v1/X509Evidence.ts';
import type { KubernetesEvidence as _blazon_v1_KubernetesEvidence, KubernetesEvidence__Output as _blazon_v1_KubernetesEvidence__Output } from '../../blazon/v1/KubernetesEvidence.ts';

export interface Evidence {
  'joinToken'?: (_blazon_v1_JoinTokenEvidence | null);
  'awsIid'?: (_blazon_v1_AwsIidEvidence | null);
  'awsSts'?: (_blazon_v1_AwsStsEvidence | null);
  'x509'?: (_blazon_v1_X509Evidence | null);
  'kubernetes'?: (_blazon_v1_KubernetesEvidence | null);
  'kind'?: "joinToken"|"awsIid"|"awsSts"|"x509"|"kubernetes";
}

export interface Evidence__Output {
  'joinToken'?: (_blazon_v1_JoinTokenEvidence__Output | null);
  'awsIid'?: (_blazon_v1_AwsIidEvidence__Output | null);
  'awsSts'?: (_blazon_v1_AwsStsEvidence__Output | null);
  'x509'?: (_blazon_v1_X509Evidence__Output | null);
  'kubernetes'?: (_blazon_v1_KubernetesEvidence__Output | null);
  'kind'?: "joinToken"|"awsIid"|"awsSts"|"x509"|"kubernetes";
}
