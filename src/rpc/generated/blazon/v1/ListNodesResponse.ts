// Original file: proto/blazon/v1/admin.proto

import type { Node as _blazon_v1_Node, Node__Output as _blazon_v1_Node__Output } from '../../blazon/v1/Node.ts';

export interface ListNodesResponse {
  'nodes'?: (_blazon_v1_Node)[];
}

export interface ListNodesResponse__Output {
  'nodes': (_blazon_v1_Node__Output)[];
}
