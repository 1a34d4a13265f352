/**
 * Uid and gid that a sidecar with transparent capture runs with, both: by them the kernel's rules tell
 * its connections from those of its workload.
 */
export const sidecarId = 1337
