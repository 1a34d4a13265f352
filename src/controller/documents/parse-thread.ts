import { parentPort } from 'node:worker_threads'
import { answerParse, type ReadDocument, type ThreadAnswer, type ThreadQuestion } from './parse.ts'

// What the thread of `document-reader.ts` runs: an answer to each question, in their order.

const documentsPerAnswer = 100

let rest: readonly ReadDocument[] = []

function answer(question: ThreadQuestion): ThreadAnswer {
  if (question !== 'more') {
    const read = answerParse(question)
    if (read.kind !== 'documents') return read
    rest = read.documents
  }
  const documents = rest.slice(0, documentsPerAnswer)
  rest = rest.slice(documentsPerAnswer)
  return { kind: 'documents', documents, left: rest.length }
}

parentPort?.on('message', (question: ThreadQuestion) => {
  parentPort?.postMessage(answer(question))
})
