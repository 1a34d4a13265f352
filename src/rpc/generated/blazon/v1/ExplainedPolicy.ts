// Original file: proto/blazon/v1/admin.proto


export interface ExplainedPolicy {
  'name'?: (string);
  'action'?: (string);
  'matched'?: (boolean);
  'because'?: (string);
}

export interface ExplainedPolicy__Output {
  'name': (string);
  'action': (string);
  'matched': (boolean);
  'because': (string);
}
