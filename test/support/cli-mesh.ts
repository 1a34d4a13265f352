import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostPort } from '../../src/base/env.ts'
import { writeContextFile } from '../../src/cli/context-file.ts'
import type { TrustBundle } from '../../src/identity/bundle.ts'
import { runBlazon, type CliRun } from './cli-run.ts'
import { createFakeAdmin, type Answer, type FakeAdmin } from './fake-admin.ts'
import { createTestCa, type TestCa, type TestLeaf } from './test-ca.ts'

/** A fake controller, a directory and a user who is logged in there. */
export interface CliMesh extends AsyncDisposable {
  readonly ca: TestCa
  readonly admin: FakeAdmin
  readonly directory: string
  readonly contextFile: string
  run(words: readonly string[], surroundings?: Parameters<typeof runBlazon>[1]): Promise<CliRun>
}

export async function createCliMesh(options: {
  readonly answers: Readonly<Record<string, Answer | ((request: unknown) => Answer)>>
  readonly ca?: TestCa
  /** The certificate of the fake controller, and of the user. */
  readonly identity?: TestLeaf
  readonly user?: TestLeaf
  readonly bundle?: TrustBundle
  readonly requireCertificate?: boolean
  readonly endStreams?: boolean
  readonly address?: HostPort
}): Promise<CliMesh> {
  const ca = options.ca ?? createTestCa()
  const admin = await createFakeAdmin({ ...options, ca })
  const directory = await mkdtemp(join(tmpdir(), 'blazon-cli-'))
  const contextFile = join(directory, 'config', 'context.json')
  const user = options.user ?? ca.admin('admin')
  await writeContextFile(contextFile, {
    controller: options.address ?? admin.address,
    bundle: options.bundle ?? ca.bundle(),
    chain: user.chain,
    privateKey: user.privateKey,
  })
  return {
    ca,
    admin,
    directory,
    contextFile,
    run: (words, surroundings) => runBlazon(words, { contextFile, ...surroundings }),
    [Symbol.asyncDispose]: async () => {
      await admin[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
