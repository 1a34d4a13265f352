// Original file: proto/blazon/v1/admin.proto


export interface Label {
  'key'?: (string);
  'value'?: (string);
}

export interface Label__Output {
  'key': (string);
  'value': (string);
}
