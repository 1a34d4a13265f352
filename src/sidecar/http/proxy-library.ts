import './quiet-extend.ts'
import httpProxy from 'http-proxy'

/** One http-proxy; targets are named with each request. */
export function createHttpProxy(): httpProxy {
  return httpProxy.createProxyServer({})
}
