import { parentPort } from 'node:worker_threads'
import { answerParse, type ParseQuestion } from './parse.ts'

// What the thread of `document-reader.ts` runs: an answer to each question, in their order.
parentPort?.on('message', (question: ParseQuestion) => {
  parentPort?.postMessage(answerParse(question))
})
