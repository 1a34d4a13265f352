// Original file: proto/blazon/v1/mesh.proto

export const Direction = {
  DIRECTION_UNSPECIFIED: 'DIRECTION_UNSPECIFIED',
  EGRESS: 'EGRESS',
  INGRESS: 'INGRESS',
} as const;

export type Direction =
  | 'DIRECTION_UNSPECIFIED'
  | 0
  | 'EGRESS'
  | 1
  | 'INGRESS'
  | 2

export type Direction__Output = typeof Direction[keyof typeof Direction]
