import { setFlagsFromString } from 'node:v8'

/** What a process that relays bulk asks of V8; to be called before there is any. */
export function setHeapFlags(): void {
  // Records of bulk are memory outside the heap that is free again at once. By default every 32 MB of
  // them, several times a second, start a collection of the whole heap, which costs more than the bulk.
  setFlagsFromString('--external-memory-accounted-in-global-limit')
}
