// Original file: proto/blazon/v1/enrolment.proto


export interface DroppedAttribute {
  'key'?: (string);
  'reason'?: (string);
}

export interface DroppedAttribute__Output {
  'key': (string);
  'reason': (string);
}
