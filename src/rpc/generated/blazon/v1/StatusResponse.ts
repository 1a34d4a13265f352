// Original file: proto/blazon/v1/admin.proto

import type { IssuerStatus as _blazon_v1_IssuerStatus, IssuerStatus__Output as _blazon_v1_IssuerStatus__Output } from '../../blazon/v1/IssuerStatus.ts';
import type { Long } from '@grpc/proto-loader';

export interface StatusResponse {
  'version'?: (string);
  'trustDomain'?: (string);
  'startedAtMs'?: (number | string | Long);
  'controllerTimeMs'?: (number | string | Long);
  'policyVersion'?: (number | string | Long);
  'documents'?: (number);
  'workloads'?: (number);
  'watching'?: (number);
  'issuers'?: (_blazon_v1_IssuerStatus)[];
}

export interface StatusResponse__Output {
  'version': (string);
  'trustDomain': (string);
  'startedAtMs': (number);
  'controllerTimeMs': (number);
  'policyVersion': (number);
  'documents': (number);
  'workloads': (number);
  'watching': (number);
  'issuers': (_blazon_v1_IssuerStatus__Output)[];
}
