// Original file: proto/blazon/v1/common.proto

export const Provenance = {
  PROVENANCE_UNSPECIFIED: 'PROVENANCE_UNSPECIFIED',
  CLAIMED: 'CLAIMED',
  OBSERVED: 'OBSERVED',
  ASSIGNED: 'ASSIGNED',
  DESCRIBED: 'DESCRIBED',
  SIGNED: 'SIGNED',
} as const;

export type Provenance =
  | 'PROVENANCE_UNSPECIFIED'
  | 0
  | 'CLAIMED'
  | 1
  | 'OBSERVED'
  | 2
  | 'ASSIGNED'
  | 3
  | 'DESCRIBED'
  | 4
  | 'SIGNED'
  | 5

export type Provenance__Output = typeof Provenance[keyof typeof Provenance]
