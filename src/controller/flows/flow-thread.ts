import { parentPort, workerData } from 'node:worker_threads'
import { createFlowFile } from './flow-file.ts'
import { isUnusable, openFlowTables, setAside } from './flow-tables.ts'
import { createFlowKeeper } from './keeper.ts'
import {
  toRefusal,
  type FlowQuestion,
  type FlowThreadMessage,
  type FlowThreadSettings,
  type NumberedQuestion,
} from './messages.ts'

// What the thread of `supervised-thread.ts` runs: flows in a file of their own, and nothing else.
// Whatever it cannot go on after is thrown, and ends it: it is started again.

/** Flows shown to followers of one batch: more than anybody can read, and no burden to the rest. */
const mostShown = 1_000

const { file: path, maxBytes } = workerData as FlowThreadSettings
const { database, setAside: damaged } = openFlowTables(path)
if (damaged !== undefined) say({ kind: 'set-aside', ...damaged })
using file = createFlowFile(database, maxBytes)
const keeper = createFlowKeeper({
  file,
  onChanged: (flows) => {
    const shown = flows.slice(-mostShown)
    say({ kind: 'changed', flows: shown, unshown: flows.length - shown.length })
  },
})

const closed = Promise.withResolvers<undefined>()
const answering = new Set<Promise<void>>()

parentPort?.on('message', ({ number, question }: NumberedQuestion) => {
  if (question.kind === 'close') {
    close(number).then(() => {
      closed.resolve(undefined)
    }, closed.reject)
    return
  }
  const answered = answer(number, () => answerTo(question)).finally(() =>
    answering.delete(answered),
  )
  answering.add(answered)
})

/** The last answer: those whose reports waited have theirs by then. */
async function close(number: number): Promise<void> {
  await answer(number, async () => {
    try {
      keeper.flush()
    } finally {
      await Promise.all(answering)
    }
  })
}

/** Answers, or refuses; what is no refusal ends the thread. */
async function answer(number: number, find: () => unknown): Promise<void> {
  try {
    say({ kind: 'answer', number, value: await find() })
  } catch (error: unknown) {
    const refusal = toRefusal(error)
    if (refusal === undefined) closed.reject(error)
    else say({ kind: 'refusal', number, refusal })
  }
}

function answerTo(question: Exclude<FlowQuestion, { readonly kind: 'close' }>): unknown {
  switch (question.kind) {
    case 'report':
      return keeper.report(question.reported)
    case 'list':
      return keeper.list(question.range)
    case 'prune':
      return keeper.prune(question.beforeMs)
    default:
      return question satisfies never
  }
}

function say(message: FlowThreadMessage): void {
  parentPort?.postMessage(message)
}

try {
  await closed.promise
} catch (error: unknown) {
  if (isUnusable(error)) {
    file[Symbol.dispose]()
    say({ kind: 'set-aside', to: setAside(path), why: error.message })
  }
  throw error
} finally {
  parentPort?.close()
}
