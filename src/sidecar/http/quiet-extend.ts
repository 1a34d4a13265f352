import util from 'node:util'

// http-proxy takes `util._extend` when it is loaded, and Node would say on stderr, among the log's JSON
// lines, that it is deprecated (DEP0060). This is the same function without the warning.
Object.assign(util, { _extend: Object.assign })
