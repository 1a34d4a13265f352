// Original file: proto/blazon/v1/mesh.proto

import type { Snapshot as _blazon_v1_Snapshot, Snapshot__Output as _blazon_v1_Snapshot__Output } from '../../blazon/v1/Snapshot.ts';
import type { Floors as _blazon_v1_Floors, Floors__Output as _blazon_v1_Floors__Output } from '../../blazon/v1/Floors.ts';
import type { Heartbeat as _blazon_v1_Heartbeat, Heartbeat__Output as _blazon_v1_Heartbeat__Output } from '../../blazon/v1/Heartbeat.ts';
import type { RenewNow as _blazon_v1_RenewNow, RenewNow__Output as _blazon_v1_RenewNow__Output } from '../../blazon/v1/RenewNow.ts';

export interface WatchUpdate {
  'snapshot'?: (_blazon_v1_Snapshot | null);
  'floors'?: (_blazon_v1_Floors | null);
  'heartbeat'?: (_blazon_v1_Heartbeat | null);
  'renewNow'?: (_blazon_v1_RenewNow | null);
  'kind'?: "snapshot"|"floors"|"heartbeat"|"renewNow";
}

export interface WatchUpdate__Output {
  'snapshot'?: (_blazon_v1_Snapshot__Output | null);
  'floors'?: (_blazon_v1_Floors__Output | null);
  'heartbeat'?: (_blazon_v1_Heartbeat__Output | null);
  'renewNow'?: (_blazon_v1_RenewNow__Output | null);
  'kind'?: "snapshot"|"floors"|"heartbeat"|"renewNow";
}
