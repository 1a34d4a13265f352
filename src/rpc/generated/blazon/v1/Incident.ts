// Original file: proto/blazon/v1/admin.proto

import type { Label as _blazon_v1_Label, Label__Output as _blazon_v1_Label__Output } from '../../blazon/v1/Label.ts';
import type { Long } from '@grpc/proto-loader';

export interface Incident {
  'incidentId'?: (string);
  'kind'?: (string);
  'subject'?: (string);
  'summary'?: (string);
  'details'?: (_blazon_v1_Label)[];
  'openedAtMs'?: (number | string | Long);
  'lastSeenMs'?: (number | string | Long);
  'times'?: (number);
  'resolvedAtMs'?: (number | string | Long);
  'resolvedBy'?: (string);
  'resolution'?: (string);
}

export interface Incident__Output {
  'incidentId': (string);
  'kind': (string);
  'subject': (string);
  'summary': (string);
  'details': (_blazon_v1_Label__Output)[];
  'openedAtMs': (number);
  'lastSeenMs': (number);
  'times': (number);
  'resolvedAtMs': (number);
  'resolvedBy': (string);
  'resolution': (string);
}
