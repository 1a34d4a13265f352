import { spawn } from 'node:child_process'
import { codeOf } from '../base/errors.ts'
import { InterceptError } from './intercept-error.ts'

/** Runs `nft` with these arguments and this input; resolves to what it prints, rejects with `ERR_NFT`. */
export type RunNft = (args: readonly string[], input?: string) => Promise<string>

const timeoutMs = 15_000
const mostOutput = 4 * 1024 * 1024
/** Not the caller's: whoever may change these rules should not be told by a variable which nft to run. */
const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }

export const runNft: RunNft = async (args, input = '') =>
  await new Promise((resolve, reject) => {
    const child = spawn('nft', args, {
      env: environment,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      if (stdout.length > mostOutput) child.kill('SIGKILL')
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(0, 4_096)
    })
    child.once('error', (cause) => {
      const isMissing = codeOf(cause) === 'ENOENT'
      const message = isMissing ? 'nft is not installed (Debian: nftables)' : 'nft cannot be run'
      reject(new InterceptError('ERR_NFT', message, { cause }))
    })
    child.once('close', (code, signal) => {
      if (code === 0) resolve(stdout)
      else reject(new InterceptError('ERR_NFT', failureText(code, signal, stderr)))
    })
    // Its end is told by `close`, whatever became of the input.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })

function failureText(code: number | null, signal: string | null, stderr: string): string {
  const [first = ''] = stderr.trim().split('\n')
  if (first.includes('Operation not permitted')) {
    return 'nft may not change the rules here: NET_ADMIN is needed in this network namespace'
  }
  return `nft ended with ${signal ?? `exit code ${String(code)}`}: ${first}`
}
