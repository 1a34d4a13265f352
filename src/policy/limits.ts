/** What a file of documents may hold; each limit is checked before the work that it bounds. */
export const documentLimits = {
  /** UTF-8 bytes of one file. */
  textBytes: 4_194_304,
  documents: 10_000,
  /** UTF-8 bytes of one document in canonical JSON. */
  specBytes: 262_144,
  /** Levels of maps and lists inside one document. */
  depth: 16,
  /** Values that all aliases of one file may stand for, together. */
  aliasedValues: 100_000,
  /** Problems that are listed; the rest are counted. */
  problems: 100,
} as const

/** What one document may hold. */
export const fieldLimits = {
  nameLength: 128,
  recordFields: 64,
  selectorMaps: 64,
  selectorKeys: 64,
  selectorValues: 256,
  ports: 256,
  namePatterns: 256,
  claimKeys: 256,
  claimValues: 256,
  labels: 64,
  labelValues: 64,
  patternLength: 512,
  cidrs: 1_024,
  dnsNames: 256,
  httpRules: 32,
  httpHosts: 64,
  httpPaths: 64,
  httpHeaders: 16,
  httpHeaderValues: 64,
  /** Of a path pattern. */
  pathSegments: 64,
} as const
