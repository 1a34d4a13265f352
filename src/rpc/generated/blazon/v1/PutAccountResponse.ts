// Original file: proto/blazon/v1/admin.proto

import type { Account as _blazon_v1_Account, Account__Output as _blazon_v1_Account__Output } from '../../blazon/v1/Account.ts';

export interface PutAccountResponse {
  'account'?: (_blazon_v1_Account | null);
}

export interface PutAccountResponse__Output {
  'account': (_blazon_v1_Account__Output | null);
}
