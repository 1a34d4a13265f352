import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { prepareBackstage, type Backstage } from '../../src/demo/backstage.ts'
import { freePort } from '../../src/demo/ports.ts'
import { descendantsOf } from '../../src/demo/process-tree.ts'
import { curl, startNginx } from '../../src/demo/programs/nginx.ts'
import { psql, startPostgres } from '../../src/demo/programs/postgres.ts'
import { openPsql } from '../../src/demo/programs/psql-session.ts'
import { redisCli, startRedis } from '../../src/demo/programs/redis.ts'
import { ssh, startSshd } from '../../src/demo/programs/sshd.ts'
import { createTap } from '../../src/demo/recorder.ts'
import { runProgram } from '../../src/demo/run-program.ts'

const host = '127.0.0.1'

describe('programs of the demonstration', function () {
  this.timeout(120_000)
  const controller = new AbortController()
  let backstage: Backstage
  const pair = async (): Promise<{ host: string; port: number }> => ({
    host,
    port: await freePort(host),
  })

  before(async () => {
    backstage = await prepareBackstage(controller.signal)
  })

  after(async () => {
    await backstage[Symbol.asyncDispose]()
    expect(existsSync(backstage.files.path), 'its directory').to.be.false
    expect(descendantsOf(process.pid), 'its processes').to.deep.equal([])
  })

  it('answers through psql, once and in a session, with the wire recorded', async () => {
    const server = await pair()
    await startPostgres(backstage, server)
    await using tap = await createTap({ listen: { host, port: 0 }, to: server })
    const result = await runProgram(
      psql(backstage, tap.address, "select 'marker-' || 40 + 2"),
      backstage,
    )
    expect(result.stderr).to.equal('')
    expect(result.stdout.trim()).to.equal('marker-42')
    const facts = { connections: 1, overflowed: false }
    expect(await tap.recorded('marker-42')).to.include({ carried: true, ...facts })
    expect(await tap.recorded('marker-43')).to.include({ carried: false, ...facts })

    await using session = await openPsql(backstage, tap.address, 'psql-session')
    expect(await session.query('create table t (n int)')).to.equal('')
    expect(await session.query('insert into t values (1), (2) returning n')).to.equal('1\n2')
    const sleeping = session.query('select pg_sleep(60)').catch((error: unknown) => error)
    await tap[Symbol.asyncDispose]()
    expect(await sleeping).to.have.property('code', 'ERR_EXIT')
    expect(await session.ended).to.equal('exit code 2')
  })

  it('answers through redis-cli', async () => {
    const server = await pair()
    await startRedis(backstage, server)
    const set = await runProgram(redisCli(backstage, server, ['set', 'k', 'v']), backstage)
    const get = await runProgram(redisCli(backstage, server, ['get', 'k']), backstage)
    expect([set.stdout, get.stdout]).to.deep.equal(['OK\n', 'v\n'])
  })

  it('answers through curl', async () => {
    const server = await pair()
    await startNginx(backstage, server, 'hello from nginx')
    const { stdout } = await runProgram(curl(backstage, server, '/'), backstage)
    expect(stdout).to.equal('hello from nginx\n')
  })

  it('answers through ssh', async () => {
    const server = await pair()
    const { login } = await startSshd(backstage, server, await backstage.directory('ssh-client'))
    const { stdout } = await runProgram(
      ssh(backstage, login, server, 'echo $((40 + 2))'),
      backstage,
    )
    expect(stdout).to.equal('42\n')
  })

  it('shows the end of the log of a program that does not start', async () => {
    const running = await backstage.supervisor.start({
      name: 'broken',
      command: '/bin/sh',
      args: ['-c', 'echo what went wrong >&2; exit 3'],
    })
    const never = (signal: AbortSignal): Promise<void> =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      )
    const error: unknown = await backstage.supervisor.ready(running, never).catch((e: unknown) => e)
    expect(error).to.have.property('code', 'ERR_START')
    expect(error).to.have.property('message').that.contains('what went wrong')
    expect(readFileSync(join(backstage.logs, 'broken.log'), 'utf8')).to.equal('what went wrong\n')
  })
})
