// Original file: proto/blazon/v1/admin.proto


export interface ListIncidentsRequest {
  'all'?: (boolean);
  'limit'?: (number);
}

export interface ListIncidentsRequest__Output {
  'all': (boolean);
  'limit': (number);
}
