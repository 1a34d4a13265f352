// Installs Debian packages without letting them start a system daemon, now or at the next boot.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { findProgram, servicesOf } from './debian-programs.mjs'

const policyFile = '/usr/sbin/policy-rc.d'
const policyText =
  '#!/bin/sh\n# blazon ensure-programs: no service starts while packages are installed\nexit 101\n'

/**
 * Runs apt-get update, then installs. Throws, naming the step that failed. What the steps print
 * goes to stderr: stdout belongs to the caller.
 */
export async function aptInstall(packages) {
  const quietly = ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']
  const ours = forbidServiceStart()
  try {
    // One broken third-party source fails the update; what we need may be there all the same.
    await run('apt-get', [...quietly, 'update']).catch((error) => {
      process.stderr.write(`${error.message}; trying to install all the same\n`)
    })
    await run('apt-get', [...quietly, 'install', '-y', '--no-install-recommends', ...packages])
  } finally {
    if (ours) rmSync(policyFile, { force: true })
  }
  for (const name of packages)
    if (Object.hasOwn(servicesOf, name)) await disableServices(servicesOf[name])
}

/** The way of policy-rc.d(8). A policy of the machine's owner is left as it is; true when ours is in place. */
function forbidServiceStart() {
  try {
    writeFileSync(policyFile, policyText, { mode: 0o755, flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return readFileSync(policyFile, 'utf8') === policyText // left by a run that was killed
  }
}

/** A package enables its services for the next boot whatever policy-rc.d says. */
async function disableServices(services) {
  if (findProgram('systemctl') !== undefined) {
    await run('systemctl', ['--quiet', 'disable', ...services])
  } else if (findProgram('update-rc.d') !== undefined) {
    for (const service of services.filter((name) => existsSync(`/etc/init.d/${name}`))) {
      await run('update-rc.d', [service, 'disable'])
    }
  }
}

/** A signal ends the step, not us: what follows the step has to be undone. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 2, 2],
      env: {
        ...process.env,
        DEBIAN_FRONTEND: 'noninteractive',
        NEEDRESTART_SUSPEND: '1',
        LC_ALL: 'C.UTF-8',
      },
    })
    const forward = (signal) => child.kill(signal)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward)
    const settle = (error) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, forward)
      if (error === undefined) resolve()
      else reject(error)
    }
    const what = `${command} ${args.filter((word) => !word.startsWith('-') && !word.includes('::')).join(' ')}`
    child.on('error', (cause) => settle(new Error(`${what} did not start`, { cause })))
    child.on('close', (code, signal) =>
      settle(
        code === 0
          ? undefined
          : new Error(`${what} ended with ${signal ?? `exit code ${String(code)}`}`),
      ),
    )
  })
}
