// Original file: proto/blazon/v1/admin.proto

export const ApplyAction = {
  APPLY_ACTION_UNSPECIFIED: 'APPLY_ACTION_UNSPECIFIED',
  CREATED: 'CREATED',
  UPDATED: 'UPDATED',
  UNCHANGED: 'UNCHANGED',
} as const;

export type ApplyAction =
  | 'APPLY_ACTION_UNSPECIFIED'
  | 0
  | 'CREATED'
  | 1
  | 'UPDATED'
  | 2
  | 'UNCHANGED'
  | 3

export type ApplyAction__Output = typeof ApplyAction[keyof typeof ApplyAction]
