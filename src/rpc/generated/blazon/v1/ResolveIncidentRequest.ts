// Original file: proto/blazon/v1/admin.proto


export interface ResolveIncidentRequest {
  'incidentId'?: (string);
  'resolution'?: (string);
  'keepNodeKeySha256'?: (string);
}

export interface ResolveIncidentRequest__Output {
  'incidentId': (string);
  'resolution': (string);
  'keepNodeKeySha256': (string);
}
