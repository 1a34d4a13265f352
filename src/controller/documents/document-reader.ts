import { Worker, type ResourceLimits } from 'node:worker_threads'
import { codeOf, messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { PolicyError } from '../../policy/index.ts'
import { ControllerError } from '../controller-error.ts'
import { createSerialQueue } from '../serial-queue.ts'
import {
  answerParse,
  type ParseAnswer,
  type ParseQuestion,
  type ReadDocument,
  type ThreadAnswer,
  type ThreadQuestion,
} from './parse.ts'

/** Reads files of documents beside everything else that the controller does. */
export interface DocumentReader extends AsyncDisposable {
  /** Throws `PolicyError` for what is wrong with the file, `ControllerError` where it could not be read. */
  read(question: ParseQuestion): Promise<readonly ReadDocument[]>
}

/** What bounds the reading of one file. 4 MiB of ordinary policies take about 5 s and 200 MB. */
export interface ReadLimits {
  readonly timeMs: number
  readonly memory: ResourceLimits
  /** Files that wait or are being read. */
  readonly files: number
  /** UTF-16 units; up to that a file is read at once, in less time than a thread takes to start. */
  readonly inPlace: number
}

export const defaultReadLimits: ReadLimits = {
  timeMs: 60_000,
  memory: { maxOldGenerationSizeMb: 1_024, maxYoungGenerationSizeMb: 64 },
  files: 16,
  inPlace: 8_192,
}

/**
 * One thread, started when it is first needed, reads one file after the other. Whatever stops it, the
 * file that it was at is refused and the next one gets a new thread.
 */
export function createDocumentReader(
  log: Logger,
  limits: ReadLimits = defaultReadLimits,
): DocumentReader {
  const queue = createSerialQueue()
  let waiting = 0
  let isClosed = false
  let thread: Worker | undefined

  const start = (): Worker => {
    const started = new Worker(new URL('./parse-thread.ts', import.meta.url), {
      name: 'documents',
      env: {},
      execArgv: [],
      resourceLimits: limits.memory,
    })
    started.on('error', (error) => {
      log.error({ error }, 'the thread that reads documents has failed')
    })
    started.once('exit', () => {
      if (thread === started) thread = undefined
    })
    return started
  }

  const ask = async (question: ParseQuestion): Promise<ParseAnswer> => {
    if (isClosed) throw new ControllerError('ERR_UNAVAILABLE', 'the controller is stopping')
    const asked = (thread ??= start())
    try {
      return await readWith((next) => answerOf(asked, next, limits.timeMs), question)
    } catch (error: unknown) {
      thread = undefined
      await asked.terminate()
      throw error
    }
  }

  const readBeside = async (question: ParseQuestion): Promise<ParseAnswer> => {
    if (waiting >= limits.files) {
      throw new ControllerError('ERR_LIMIT', 'too many files of documents at once; try again')
    }
    waiting += 1
    try {
      return await queue.run(() => ask(question))
    } finally {
      waiting -= 1
    }
  }

  return {
    read: async (question) => {
      const isSmall = question.text.length <= limits.inPlace
      return outcome(isSmall ? answerParse(question) : await readBeside(question))
    },
    [Symbol.asyncDispose]: async () => {
      isClosed = true
      await thread?.terminate()
      await queue.idle()
    },
  }
}

async function readWith(
  ask: (question: ThreadQuestion) => Promise<ThreadAnswer>,
  question: ParseQuestion,
): Promise<ParseAnswer> {
  const documents: ReadDocument[] = []
  for (let answer = await ask(question); ; answer = await ask('more')) {
    if (answer.kind !== 'documents') return answer
    documents.push(...answer.documents)
    if (answer.left === 0) return { kind: 'documents', documents }
  }
}

function outcome(answer: ParseAnswer): readonly ReadDocument[] {
  switch (answer.kind) {
    case 'documents':
      return answer.documents
    case 'refused':
      throw new PolicyError(answer.code, answer.problems)
    case 'failed':
      throw new Error(`BUG: documents not read: ${answer.message}`)
    default:
      return answer satisfies never
  }
}

/** Throws `ControllerError` where the thread ends, or takes too long. */
function answerOf(thread: Worker, question: ThreadQuestion, timeMs: number): Promise<ThreadAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ThreadAnswer>()
  const refuse = (why: string, cause?: unknown): void => {
    const message = `the documents were not read: ${why}; nothing was changed`
    reject(new ControllerError('ERR_LIMIT', message, { cause }))
  }
  const tooLong = setTimeout(() => {
    refuse(`it took longer than ${String(timeMs / 1_000)} s, apply them in several files`)
  }, timeMs)
  const failed = (error: unknown): void => {
    const isMemory = codeOf(error) === 'ERR_WORKER_OUT_OF_MEMORY'
    refuse(
      isMemory ? 'it needs too much memory, apply them in several files' : messageOf(error),
      error,
    )
  }
  const exited = (code: number): void => {
    refuse(`the thread ended with code ${String(code)}`)
  }
  thread.once('message', resolve).once('error', failed).once('exit', exited)
  thread.ref()
  thread.postMessage(question)
  return promise.finally(() => {
    clearTimeout(tooLong)
    thread.off('message', resolve).off('error', failed).off('exit', exited)
    // While it has nothing to do it keeps no process alive.
    thread.unref()
  })
}
