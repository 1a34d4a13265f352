// Original file: proto/blazon/v1/tunnel.proto

import type { Hello as _blazon_v1_Hello, Hello__Output as _blazon_v1_Hello__Output } from '../../blazon/v1/Hello.ts';
import type { Reauthenticate as _blazon_v1_Reauthenticate, Reauthenticate__Output as _blazon_v1_Reauthenticate__Output } from '../../blazon/v1/Reauthenticate.ts';
import type { ReauthenticateResult as _blazon_v1_ReauthenticateResult, ReauthenticateResult__Output as _blazon_v1_ReauthenticateResult__Output } from '../../blazon/v1/ReauthenticateResult.ts';
import type { StreamNotice as _blazon_v1_StreamNotice, StreamNotice__Output as _blazon_v1_StreamNotice__Output } from '../../blazon/v1/StreamNotice.ts';

export interface ControlMessage {
  'hello'?: (_blazon_v1_Hello | null);
  'reauthenticate'?: (_blazon_v1_Reauthenticate | null);
  'reauthenticateResult'?: (_blazon_v1_ReauthenticateResult | null);
  'streamNotice'?: (_blazon_v1_StreamNotice | null);
  'kind'?: "hello"|"reauthenticate"|"reauthenticateResult"|"streamNotice";
}

export interface ControlMessage__Output {
  'hello'?: (_blazon_v1_Hello__Output | null);
  'reauthenticate'?: (_blazon_v1_Reauthenticate__Output | null);
  'reauthenticateResult'?: (_blazon_v1_ReauthenticateResult__Output | null);
  'streamNotice'?: (_blazon_v1_StreamNotice__Output | null);
  'kind'?: "hello"|"reauthenticate"|"reauthenticateResult"|"streamNotice";
}
