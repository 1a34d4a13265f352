// Original file: proto/blazon/v1/admin.proto

import type { Incident as _blazon_v1_Incident, Incident__Output as _blazon_v1_Incident__Output } from '../../blazon/v1/Incident.ts';

export interface ResolveIncidentResponse {
  'incident'?: (_blazon_v1_Incident | null);
}

export interface ResolveIncidentResponse__Output {
  'incident': (_blazon_v1_Incident__Output | null);
}
