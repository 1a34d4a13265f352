import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import type { DemoOptions } from '../../src/cli/host.ts'
import { InterceptError, type InterceptErrorCode } from '../../src/intercept/index.ts'
import { runBlazon } from '../support/cli-run.ts'
import { expectGolden } from '../support/golden.ts'

describe('blazon, its arguments', () => {
  for (const [words, message] of [
    [['bogus'], "unknown command 'bogus'"],
    [['statu'], "unknown command 'statu'"],
    [['status', '--nope'], "unknown option '--nope'"],
    [['status', 'extra'], 'too many arguments'],
    [['get', '-o', 'xml'], 'Allowed choices are table, json, yaml'],
    [['explain', 'a', 'b'], "required option '--port <number>' not specified"],
    [['explain', 'a', 'b', '--port', '0'], 'expected a whole number from 1 to 65535'],
    [['explain', 'label.=x', 'b', '--port', '1'], 'dotted lower-case attribute key'],
    [['explain', 'a', '', '--port', '1'], 'expected a workload or key=value'],
    [['delete', 'NetworkPolicy'], "missing required argument 'name'"],
    [
      ['revoke', 'a', '--refuse-renewal', '--reinstate'],
      'only one of --refuse-renewal and --reinstate',
    ],
    [['token'], 'expected a command'],
    [['token', 'create', '--ttl', 'soon'], 'expected a duration'],
    [['token', 'create', '--ttl', '1ms'], 'expected a --ttl of 1s or more'],
    [['token', 'create', '--uses', '0'], 'expected a whole number from 1'],
    [['token', 'create', '--uses', '100001'], 'expected a whole number from 1 to 100000'],
    [['token', 'create', '--label', 'app'], 'expected key=value'],
    [['token', 'create', '--label', 'a=1', '--label', 'a=2'], 'expected each label once'],
    [['flows', '--verdict', 'maybe'], 'Allowed choices are allow, deny'],
    [['flows', '--follow', '--since', '1h'], 'expected no --since'],
    [['login', '--controller', 'nowhere', '--secret-file', 'x'], 'expected host:port'],
    [['login', '--controller', 'a:1', '--secret-file', 'x'], 'one of --bundle and --fingerprint'],
    [
      ['login', '--controller', 'a:1', '--secret-file', 'x', '--fingerprint', 'ab'],
      '64 hexadecimal digits',
    ],
    [['apply'], 'expected -f FILE'],
    [['diff'], 'expected -f FILE'],
    [['login'], 'expected --controller and --secret-file'],
    [['label', 'web', 'app'], 'expected key=value or key-'],
    [['history', 'NetworkPolicy'], "missing required argument 'name'"],
    [['rollback', 'NetworkPolicy', 'web', 'x'], 'expected a whole number from 1'],
    [['ca'], 'expected a command'],
    [['audit', '--from', '0'], 'expected a whole number from 1'],
    [['audit', 'verify', '--key-id', 'ab'], '64 hexadecimal digits'],
  ] as const) {
    it(`refuses "${words.join(' ')}" with exit code 2`, async () => {
      const run = await runBlazon(words)
      expect(run.code).to.equal(2)
      expect(run.stdout).to.equal('')
      expect(run.stderr).to.match(/^error: /)
      expect(run.stderr).to.contain(message)
      expect(run.stderr).to.match(/hint: `blazon.* --help` shows its usage\n$/)
    })
  }

  it('suggests the command that was meant', async () => {
    expect((await runBlazon(['statu'])).stderr).to.contain('hint: did you mean status?\n')
  })

  it('shows its help on stderr, with exit code 2, when given nothing', async () => {
    const run = await runBlazon([])
    expect([run.code, run.stdout]).to.deep.equal([2, ''])
    expect(run.stderr).to.match(/^Usage: blazon /)
  })

  it('shows help and version on stdout with exit code 0', async () => {
    const help = await runBlazon(['--help'])
    expect([help.code, help.stderr]).to.deep.equal([0, ''])
    expectGolden('cli/help.txt', help.stdout)
    expect(await runBlazon(['--version'])).to.deep.equal({ code: 0, stdout: '1.2.3\n', stderr: '' })
  })

  it('says that nobody is logged in', async () => {
    const run = await runBlazon(['status'], { contextFile: '/nonexistent/context.json' })
    expect(run.code).to.equal(1)
    expect(run.stderr).to.equal(
      'error: not logged in: there is no /nonexistent/context.json\n' +
        'hint: `blazon login` makes it\n' +
        'hint: $BLAZON_CONTEXT names another file\n',
    )
  })
})

describe('blazon controller, sidecar and demo', () => {
  it('launch their part with the signal of the program', async () => {
    const launched: unknown[] = []
    const { signal } = new AbortController()
    const launch = {
      controller: async (given: AbortSignal) =>
        void launched.push(['controller', given === signal]),
      sidecar: async (given: AbortSignal) => void launched.push(['sidecar', given === signal]),
      demo: async ({ once, capture }: DemoOptions, given: AbortSignal) => {
        launched.push(['demo', once, capture, given === signal])
        return once ? 1 : 0
      },
    }
    const codes: number[] = []
    const explicitly = ['demo', '--once', '--capture', 'explicit']
    for (const words of [['controller'], ['sidecar'], ['demo'], explicitly]) {
      codes.push((await runBlazon(words, { signal, launch })).code)
    }
    expect(codes).to.deep.equal([0, 0, 0, 1])
    expect(launched).to.deep.equal([
      ['controller', true],
      ['sidecar', true],
      ['demo', false, undefined, true],
      ['demo', true, 'explicit', true],
    ])
  })

  it('word a failure as one sentence and exit with 1', async () => {
    const cause = new Error('listen EADDRINUSE')
    const run = await runBlazon(['controller'], {
      launch: { controller: () => Promise.reject(new Error('cannot listen', { cause })) },
    })
    expect(run).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: 'error: cannot listen: listen EADDRINUSE\n',
    })
  })
})

describe('blazon intercept', () => {
  async function launchedWith(...words: string[]): Promise<unknown> {
    let given: unknown = 'nothing'
    const run = await runBlazon(['intercept', ...words], {
      launch: { intercept: async (options) => void (given = options) },
    })
    expect(run).to.include({ code: 0, stdout: '' })
    return given
  }

  it('passes on what it is told, and defaults', async () => {
    const defaults = { egressPort: 15_001, ingressPort: 15_006, excludePorts: [] }
    expect(await launchedWith()).to.deep.include(defaults)
    const words = ['--exclude-ports', '22,9100', '--resolvers', '10.0.0.2', '--workload-uid', '0']
    expect(await launchedWith(...words)).to.deep.include({
      excludePorts: [22, 9_100],
      resolvers: { v4: ['10.0.0.2'], v6: [] },
      workloadUid: 0,
    })
    expect(await launchedWith('--remove')).to.equal(undefined)
  })

  it('calls a wrong option wrong usage, and a failure a reason not to start the workload', async () => {
    const fail = (code: InterceptErrorCode) => () =>
      Promise.reject(new InterceptError(code, 'it is so'))
    const usage = await runBlazon(['intercept'], { launch: { intercept: fail('ERR_OPTIONS') } })
    expect(usage).to.include({ code: 2, stdout: '' })
    const failure = await runBlazon(['intercept'], { launch: { intercept: fail('ERR_VERIFY') } })
    expect(failure).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: 'error: it is so\n' + 'hint: do not start the workload: it is not captured\n',
    })
    for (const more of [['--workload-uid', '0'], ['--hold']]) {
      expect(await runBlazon(['intercept', '--remove', ...more])).to.include({ code: 2 })
    }
  })

  it('stays until it is told to end, where it holds the namespace', async () => {
    const launch = { intercept: async () => undefined }
    const stop = new AbortController()
    const held = runBlazon(['intercept', '--hold'], { launch, signal: stop.signal })
    expect(await Promise.race([held, setImmediate('held')])).to.equal('held')
    stop.abort()
    expect(await held).to.include({ code: 0 })
  })
})

describe('blazon intercept --datagrams', () => {
  const launch = {
    intercept: async () => undefined,
    datagramGate: async (warn: (message: string) => void) => {
      warn('somebody else was here')
      await Promise.reject(new InterceptError('ERR_GATE', 'it is taken'))
    },
  }

  it('needs somebody who stays, and loads no rules without', async () => {
    const run = await runBlazon(['intercept', '--datagrams'])
    expect(run).to.include({ code: 2 })
    expect(run.stderr).to.contain('--hold')
  })

  it('holds the gate once the rules are loaded, and fails with it', async () => {
    const run = await runBlazon(['intercept', '--hold', '--datagrams'], { launch })
    expect(run).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: 'connections are captured\nsomebody else was here\nerror: it is taken\n',
    })
  })
})

describe('blazon completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    it(`prints a script for ${shell} that knows commands and options`, async () => {
      const { code, stdout } = await runBlazon(['completion', shell])
      expect(code).to.equal(0)
      for (const word of ['workloads', 'create', 'refuse-renewal']) expect(stdout).to.contain(word)
    })
  }
})
