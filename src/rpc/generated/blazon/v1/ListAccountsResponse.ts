// Original file: proto/blazon/v1/admin.proto

import type { Account as _blazon_v1_Account, Account__Output as _blazon_v1_Account__Output } from '../../blazon/v1/Account.ts';

export interface ListAccountsResponse {
  'accounts'?: (_blazon_v1_Account)[];
}

export interface ListAccountsResponse__Output {
  'accounts': (_blazon_v1_Account__Output)[];
}
