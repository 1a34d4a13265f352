import { messageOf } from '../base/errors.ts'
import { createAdminClient, type AdminClient } from './client.ts'
import { readContextFile, writeContextFile } from './context-file.ts'
import { administratorOf, type Context } from './context.ts'
import { isPastHalfLife, renew } from './credential.ts'
import { CliError } from './failure.ts'
import type { Host } from './host.ts'
import { relativeTime, shownTime } from './moment.ts'

/** Opens a client with this user's credential, which is renewed first when half of its life is over. */
export async function openSession(host: Host): Promise<AdminClient> {
  const context = await freshContext(host)
  return createAdminClient({
    address: context.controller,
    bundle: context.bundle,
    credential: context,
    now: () => host.clock.now(),
    signal: host.signal,
  })
}

async function freshContext(host: Host): Promise<Context> {
  const context = await readContextFile(host.contextFile)
  const now = host.clock.now()
  const { notAfter } = administratorOf(context.chain).certificate
  if (now > notAfter) {
    throw new CliError(
      'ERR_CREDENTIAL',
      `this credential expired ${relativeTime(notAfter, now)}, at ${shownTime(notAfter)}`,
      {
        hints: [
          '`blazon login` makes a new one; if that time is not past, mend the clock of this machine',
        ],
      },
    )
  }
  return isPastHalfLife(context, now) ? renewed(host, context) : context
}

/** The old certificate is still good, so a renewal that fails is a note and not the end of the command. */
async function renewed(host: Host, context: Context): Promise<Context> {
  try {
    const fresh = await renew(context, () => host.clock.now(), host.signal)
    await writeContextFile(host.contextFile, fresh)
    return fresh
  } catch (error: unknown) {
    if (!host.signal.aborted) {
      host.stderr.write(`note: could not renew this credential: ${messageOf(error)}\n`)
    }
    return context
  }
}
