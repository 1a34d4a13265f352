import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { placed } from './placement.ts'

/** What a load generator can be told to do: one argument, one answer, both cloned between processes. */
export type Commands<Api> = { readonly [Name in keyof Api]: (argument: never) => Promise<unknown> }

interface Question {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly failure?: string
}

/** A load generator in a process of its own, away from the controller's core. */
export interface LoadProcess<Api extends Commands<Api>> extends AsyncDisposable {
  readonly pid: number
  ask<Name extends keyof Api & string>(
    name: Name,
    argument: Parameters<Api[Name]>[0],
  ): Promise<Awaited<ReturnType<Api[Name]>>>
}

/** Starts a file of this folder that calls `answerCommands`. */
export function startLoad<Api extends Commands<Api>>(file: string): LoadProcess<Api> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const [command, ...words] = placed('load', [process.execPath, path])
  const child = spawn(command, words, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const open = new Map<number, PromiseWithResolvers<unknown>>()
  let questions = 0
  const exited = once(child, 'exit').then(() => {
    for (const { reject } of open.values())
      reject(new Error(`the load generator ${file} has ended`))
  })
  child.on('message', ({ id, result, failure }: Answer) => {
    const waiting = open.get(id)
    open.delete(id)
    if (failure === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(`${file}: ${failure}`))
  })
  if (child.pid === undefined) throw new Error(`cannot start ${path}`)
  return {
    pid: child.pid,
    ask: (name, argument) => {
      const answer = Promise.withResolvers<unknown>()
      const question: Question = { id: ++questions, name, argument }
      open.set(question.id, answer)
      child.send(question)
      return answer.promise as Promise<Awaited<ReturnType<Api[typeof name]>>>
    },
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect()
      child.kill()
      await exited
    },
  }
}

/** Answers what the other end asks until it goes away. */
export function answerCommands<Api extends Commands<Api>>(api: Api): void {
  // Open connections would keep it going.
  process.once('disconnect', () => process.kill(process.pid))
  process.on('message', ({ id, name, argument }: Question) => {
    const command = api[name as keyof Api] as unknown as (argument: unknown) => Promise<unknown>
    command(argument).then(
      (result) => process.send?.({ id, result } satisfies Answer),
      (error: unknown) => {
        const failure = error instanceof Error ? (error.stack ?? error.message) : String(error)
        process.send?.({ id, failure } satisfies Answer)
      },
    )
  })
}
