// Original file: proto/blazon/v1/admin.proto

import type { Workload as _blazon_v1_Workload, Workload__Output as _blazon_v1_Workload__Output } from '../../blazon/v1/Workload.ts';

export interface ListWorkloadsResponse {
  'workloads'?: (_blazon_v1_Workload)[];
}

export interface ListWorkloadsResponse__Output {
  'workloads': (_blazon_v1_Workload__Output)[];
}
