// Original file: proto/blazon/v1/admin.proto


export interface ApplyRequest {
  'text'?: (string);
  'source'?: (string);
  'dryRun'?: (boolean);
}

export interface ApplyRequest__Output {
  'text': (string);
  'source': (string);
  'dryRun': (boolean);
}
