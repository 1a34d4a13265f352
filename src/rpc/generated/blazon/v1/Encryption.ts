// Original file: proto/blazon/v1/common.proto

export const Encryption = {
  ENCRYPTION_UNSPECIFIED: 'ENCRYPTION_UNSPECIFIED',
  REQUIRED: 'REQUIRED',
  OPTIONAL: 'OPTIONAL',
  NONE: 'NONE',
  RELAYED: 'RELAYED',
} as const;

export type Encryption =
  | 'ENCRYPTION_UNSPECIFIED'
  | 0
  | 'REQUIRED'
  | 1
  | 'OPTIONAL'
  | 2
  | 'NONE'
  | 3
  | 'RELAYED'
  | 4

export type Encryption__Output = typeof Encryption[keyof typeof Encryption]
