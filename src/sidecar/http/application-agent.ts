import { Agent } from 'node:http'
import type { Socket } from 'node:net'

/**
 * The connection to the application behind one connection of a peer: it is kept for the next request,
 * and takes them one by one, as their answers go out. One that takes longer than `connectMs` to open
 * fails with `ETIMEDOUT`; after `destroy` none is opened for requests that still wait.
 */
export function createApplicationAgent(connectMs: number): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const connect = agent.createConnection.bind(agent)
  const destroy = agent.destroy.bind(agent)
  let isDestroyed = false
  agent.createConnection = (options, callback) => {
    if (isDestroyed) {
      process.nextTick(() =>
        callback?.(new Error('the connection of the peer is over'), undefined as never),
      )
      return undefined
    }
    const socket = connect(options, callback) as Socket
    const timer = setTimeout(() => {
      const message = `the application took no connection in ${String(connectMs)} ms`
      socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }))
    }, connectMs)
    const stop = (): void => {
      clearTimeout(timer)
    }
    socket.once('connect', stop)
    socket.once('close', stop)
    return socket
  }
  agent.destroy = () => {
    isDestroyed = true
    destroy()
  }
  return agent
}

/** Connections to the application behind one that carries the requests of several senders by turns. */
export interface SenderAgents {
  of(sender: string): Agent
  destroy(): void
}

/** No connection to the application serves two senders: each change of them begins another one. */
export function createSenderAgents(connectMs: number): SenderAgents {
  let current = { sender: '', agent: createApplicationAgent(connectMs) }
  /** Those of former senders whose requests are not over: never more than requests may wait. */
  const retired = new Set<Agent>()
  const change = (sender: string): void => {
    for (const agent of retired) if (!isInUse(agent)) retired.delete(agent)
    retire(current.agent)
    retired.add(current.agent)
    current = { sender, agent: createApplicationAgent(connectMs) }
  }
  return {
    of: (sender) => {
      if (sender !== current.sender) change(sender)
      return current.agent
    },
    destroy: () => {
      current.agent.destroy()
      for (const agent of retired) agent.destroy()
      retired.clear()
    },
  }
}

/** What is under way in it ends, and nothing begins: its requests end with their answers. */
function retire(agent: Agent): void {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy()
  }
}

function isInUse({ sockets, requests }: Agent): boolean {
  return Object.keys(sockets).length > 0 || Object.keys(requests).length > 0
}
