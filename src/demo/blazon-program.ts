import { fileURLToPath } from 'node:url'

/** The entry point of every process of ours. */
export const blazonProgram: string = fileURLToPath(new URL('../main/blazon.ts', import.meta.url))
