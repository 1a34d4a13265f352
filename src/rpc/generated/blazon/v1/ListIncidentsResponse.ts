// Original file: proto/blazon/v1/admin.proto

import type { Incident as _blazon_v1_Incident, Incident__Output as _blazon_v1_Incident__Output } from '../../blazon/v1/Incident.ts';

export interface ListIncidentsResponse {
  'incidents'?: (_blazon_v1_Incident)[];
}

export interface ListIncidentsResponse__Output {
  'incidents': (_blazon_v1_Incident__Output)[];
}
