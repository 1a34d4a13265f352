// Original file: proto/blazon/v1/mesh.proto

import type { Listener as _blazon_v1_Listener, Listener__Output as _blazon_v1_Listener__Output } from '../../blazon/v1/Listener.ts';
import type { Long } from '@grpc/proto-loader';

export interface WatchOpen {
  'schemaVersion'?: (number);
  'sidecarVersion'?: (string);
  'highestVersion'?: (number | string | Long);
  'listeners'?: (_blazon_v1_Listener)[];
  'capture'?: (string);
}

export interface WatchOpen__Output {
  'schemaVersion': (number);
  'sidecarVersion': (string);
  'highestVersion': (number);
  'listeners': (_blazon_v1_Listener__Output)[];
  'capture': (string);
}
