/**
 * Where instances and ECS tasks are told who they are, and get credentials. Who can ask there can become
 * the instance. In canonical spelling.
 */
export const metadataAddresses: readonly string[] = [
  '169.254.169.254',
  '169.254.170.2',
  'fd00:ec2::254',
]
