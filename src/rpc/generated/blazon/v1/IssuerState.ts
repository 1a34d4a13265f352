// Original file: proto/blazon/v1/common.proto

export const IssuerState = {
  ISSUER_STATE_UNSPECIFIED: 'ISSUER_STATE_UNSPECIFIED',
  PREPARED: 'PREPARED',
  ACTIVE: 'ACTIVE',
  OLD: 'OLD',
  TAINTED: 'TAINTED',
} as const;

export type IssuerState =
  | 'ISSUER_STATE_UNSPECIFIED'
  | 0
  | 'PREPARED'
  | 1
  | 'ACTIVE'
  | 2
  | 'OLD'
  | 3
  | 'TAINTED'
  | 4

export type IssuerState__Output = typeof IssuerState[keyof typeof IssuerState]
