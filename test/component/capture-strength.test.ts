import { link, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { areRulesLoaded } from '../../src/sidecar/capture-rules.ts'
import { readCaptureStrength, type CaptureStrength } from '../../src/sidecar/capture-strength.ts'
import { createStrengthWatch } from '../../src/sidecar/strength-watch.ts'
import { parseThreadStatus, waysAround } from '../../src/sidecar/thread-privileges.ts'
import type { TrustProfile } from '../../src/identity/trust-profile.ts'
import { recordingLogger, temporaryDirectory } from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'

const none = '0000000000000000'
const every = '000001ffffffffff'
const netRaw = '0000000000002000'
const netAdmin = '0000000000001000'
const chown = '0000000000000001'
const newest = '0000800000000000'
const netBindService = '0000000000000400'

const status = (fields: Readonly<Record<string, string>> = {}): string =>
  Object.entries({
    ...{ Name: 'node', State: 'S (sleeping)', PPid: '1', NoNewPrivs: '0' },
    ...{ Uid: '2000\t2000\t2000\t2000', Gid: '2000\t2000\t2000\t2000', Groups: '2000 2001' },
    ...{ CapInh: none, CapPrm: none, CapEff: none, CapBnd: none, CapAmb: none },
    ...fields,
  })
    .map(([name, value]) => `${name}:\t${value}\n`)
    .join('')

describe('parseThreadStatus()', () => {
  it('takes what a thread holds in any set together, and what a program that it executes could get', () => {
    const read = parseThreadStatus(
      status({ CapAmb: netRaw, CapInh: netBindService, CapBnd: every }),
    )
    expect(waysAround(read.held)).to.deep.equal(['NET_RAW'])
    expect(waysAround(read.gainable)).to.include.members(['NET_ADMIN', 'SETUID', 'BPF'])
    expect(parseThreadStatus(status({ CapBnd: every, NoNewPrivs: '1' })).gainable).to.equal(0n)
  })

  it('takes supplementary groups along, of which there may be none', () => {
    expect(parseThreadStatus(status()).gids).to.deep.equal([
      2_000, 2_000, 2_000, 2_000, 2_000, 2_001,
    ])
    expect(parseThreadStatus(status({ Groups: '' })).gids).to.have.length(4)
  })

  for (const [field, value] of [
    ['CapEff', 'ff'],
    ['NoNewPrivs', ''],
    ['Uid', '0'],
    ['Groups', 'x'],
    ['State', ''],
    ['PPid', ''],
  ] as const) {
    it(`refuses a text whose ${field} is ${JSON.stringify(value)}`, () => {
      expect(() => parseThreadStatus(status({ [field]: value }))).to.throw(field)
    })
  }
})

/**
 * Threads by process. Each is in the namespace that its process names; `hidden` are gone, or dead, when somebody
 * asks for the namespace.
 */
type Processes = Readonly<
  Record<string, readonly [namespace: 'here' | 'elsewhere' | 'hidden', ...statuses: string[]]>
>

interface World {
  readonly workloadUid?: number | undefined
  readonly areRulesLoaded?: boolean
  /** Lines of the kernel's lists of sockets, by family. */
  readonly sockets?: Readonly<Record<string, string>>
}

async function strengthOf(processes: Processes, world: World = {}): Promise<CaptureStrength> {
  await using directory = await temporaryDirectory()
  const proc = directory.path
  const place = async (path: string, namespace: string): Promise<void> => {
    await mkdir(join(proc, path, 'net'), { recursive: true })
    if (namespace === 'hidden') return
    await link(join(proc, `namespace-${namespace}`), join(proc, path, 'net', 'dev'))
  }
  for (const name of ['here', 'elsewhere']) await writeFile(join(proc, `namespace-${name}`), '')
  await place('self', 'here')
  for (const [family, text] of Object.entries({ raw: '', ...world.sockets })) {
    await writeFile(join(proc, 'self', 'net', family), `sk RefCnt Type\n${text}`)
  }
  for (const [pid, [namespace, ...statuses]] of Object.entries(processes)) {
    for (const [index, text] of statuses.entries()) {
      const task = join(pid, 'task', String(index + 1))
      await place(task, namespace)
      if (text !== '') await writeFile(join(proc, task, 'status'), text)
    }
  }
  const ports = { egressPort: 1, ingressPort: 2, dnsPort: 3 }
  const workloadUid = 'workloadUid' in world ? world.workloadUid : 2_000
  return await readCaptureStrength(
    { kind: 'redirect', ...ports, workloadUid },
    { proc, areRulesLoaded: () => Promise.resolve(world.areRulesLoaded ?? true) },
  )
}

describe('readCaptureStrength()', () => {
  const root = { Uid: '0\t0\t0\t0' }
  const sidecar = '1337\t1337\t1337\t1337'
  const pause = { Uid: '65535\t65535\t65535\t65535', CapBnd: every }
  const workload = ['here', status()] as const
  const zombie = { State: 'Z (zombie)', CapEff: every }
  const cases: Readonly<
    Record<string, readonly [Processes, becauseOf: RegExp | undefined, World?]>
  > = {
    'a workload without capabilities': [{ 7: workload }, undefined],
    'a workload that can only bind low ports': [
      { 7: ['here', status({ CapEff: netBindService, CapBnd: netBindService })] },
      undefined,
    ],
    'a workload that no program can give more, by no_new_privs': [
      { 7: ['here', status({ CapBnd: every, NoNewPrivs: '1' })] },
      undefined,
    ],
    'root in another network namespace': [
      { 7: workload, 8: ['elsewhere', status({ ...root, CapEff: every })] },
      undefined,
    ],
    'another program that could only get capabilities': [
      { 7: workload, 8: ['here', status(pause)] },
      undefined,
    ],
    'a worker of the sidecar': [
      { 7: workload, 8: ['here', status({ Uid: sidecar, PPid: String(process.pid) })] },
      undefined,
    ],
    'a process that has ended and is waited for': [
      { 7: workload, 8: ['hidden', status(zombie)] },
      undefined,
    ],
    'the process that started the sidecar, under its uid': [
      { 7: workload, [String(process.ppid)]: ['here', status({ Uid: sidecar })] },
      undefined,
    ],
    'everybody for the workload where its uid is not known': [
      { 7: ['here', status({ Uid: pause.Uid })] },
      undefined,
      { workloadUid: undefined },
    ],
    'a workload that holds NET_RAW': [
      { 7: ['here', status({ CapPrm: netRaw })] },
      /process 7 has or can get NET_RAW$/,
    ],
    'a workload that holds NET_ADMIN': [
      { 7: ['here', status({ CapEff: netAdmin, NoNewPrivs: '1' })] },
      /NET_ADMIN$/,
    ],
    'a workload that could make a program of the sidecar’s uid': [
      { 7: ['here', status({ CapEff: chown })] },
      /CHOWN$/,
    ],
    'a capability that nobody knows yet': [
      { 7: ['here', status({ CapEff: newest })] },
      /capability 47$/,
    ],
    'a workload that could get capabilities by a program': [
      { 7: ['here', status({ CapBnd: every })] },
      /SYS_ADMIN/,
    ],
    'a workload with one thread that holds NET_RAW': [
      { 7: ['here', status(), status({ CapEff: netRaw })] },
      /NET_RAW/,
    ],
    'another program beside it that holds NET_RAW': [
      { 7: workload, 8: ['here', status({ ...pause, CapEff: netRaw })] },
      /process 8 /,
    ],
    'root beside it, which could get capabilities': [
      { 7: workload, 8: ['here', status({ ...root, CapBnd: every })] },
      /process 8 /,
    ],
    'a program that has become the sidecar': [
      { 7: workload, 8: ['here', status({ Uid: sidecar, Gid: sidecar })] },
      /process 8 has the uid or gid of sidecars/,
    ],
    'a program that could become the sidecar, by its saved uid': [
      { 7: ['here', status({ Uid: '2000\t2000\t1337\t2000' })] },
      /process 7 has the uid or gid of sidecars/,
    ],
    'a workload in the group of the sidecar': [
      { 7: ['here', status({ Groups: '2000 1337' })] },
      /process 7 has the uid or gid of sidecars/,
    ],
    'a second sidecar where the uid of the workload is not known': [
      { 7: workload, 8: ['here', status({ Uid: sidecar })] },
      /process 8 has the uid/,
      { workloadUid: undefined },
    ],
    'a process that is always gone before it is read': [
      { 7: workload, 8: ['hidden', ''] },
      /come and go faster/,
    ],
    'a process whose namespace cannot be told': [
      { 7: workload, 8: ['hidden', status({ CapEff: netRaw })] },
      /come and go faster/,
    ],
    'a raw socket of whoever had the capability once': [
      { 7: workload },
      /a program has a raw socket/,
      { sockets: { raw: '1: 00000000:0001\n' } },
    ],
    'a packet socket': [
      { 7: workload },
      /a program has a packet socket/,
      { sockets: { packet: '000 3 3\n' } },
    ],
    'no rules': [{ 7: workload }, /rules of blazon intercept are not/, { areRulesLoaded: false }],
    'no workload': [{}, /no process of the workload/],
    'only somebody else': [
      { 8: ['here', status({ Uid: '3000\t3000\t3000\t3000' })] },
      /no process of the workload/,
    ],
    'a workload that has ended': [{ 7: ['hidden', status(zombie)] }, /no process of the workload/],
    'a status that cannot be read': [{ 7: ['here', 'Uid:\tx\n'] }, /cannot be read: expected/],
  }
  for (const [what, [processes, because, world]] of Object.entries(cases)) {
    it(`is ${because === undefined ? 'strong' : 'weak'} with ${what}`, async () => {
      const strength = await strengthOf(processes, world)
      if (because === undefined) expect(strength).to.deep.equal({ value: 'strong' })
      else expect(strength).to.have.property('because').that.matches(because)
    })
  }

  it('sees a thread that holds NET_RAW behind a first one that has ended', async () => {
    await using directory = await temporaryDirectory()
    const proc = directory.path
    await mkdir(join(proc, 'self', 'net'), { recursive: true })
    await writeFile(join(proc, 'self', 'net', 'dev'), '')
    const texts = [status({ State: 'Z (zombie)' }), status({ CapEff: netRaw })]
    for (const [index, text] of texts.entries()) {
      const task = join(proc, '7', 'task', String(index + 7))
      await mkdir(join(task, 'net'), { recursive: true })
      await writeFile(join(task, 'status'), text)
    }
    await link(join(proc, 'self', 'net', 'dev'), join(proc, '7', 'task', '8', 'net', 'dev'))
    const ports = { egressPort: 1, ingressPort: 2, dnsPort: 3 }
    const strength = await readCaptureStrength(
      { kind: 'redirect', ...ports, workloadUid: 2_000 },
      { proc, areRulesLoaded: () => Promise.resolve(true) },
    )
    expect(strength)
      .to.have.property('because')
      .that.matches(/process 7 .* NET_RAW/)
  })

  it('is weak with listeners only, and where there is nothing to be seen', async () => {
    expect(await readCaptureStrength({ kind: 'explicit' })).to.include({ value: 'weak' })
    const ports = { egressPort: 1, ingressPort: 2, dnsPort: 3 }
    const config = { kind: 'redirect', ...ports, workloadUid: 2_000 } as const
    const nowhere = { proc: '/nowhere', areRulesLoaded: () => Promise.resolve(true) }
    expect(await readCaptureStrength(config, nowhere)).to.include({ value: 'weak' })
  })
})

describe('areRulesLoaded()', () => {
  it('takes neither a closed port nor a program that listens there for the rules', async () => {
    await using server = createServer((socket) => socket.destroy())
    const address = await new Promise<{ port: number }>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        resolve(server.address() as { port: number })
      })
    })
    const probe = { host: '127.0.0.1', port: address.port }
    expect(await areRulesLoaded(probe)).to.equal(false)
    await server[Symbol.asyncDispose]()
    expect(await areRulesLoaded(probe)).to.equal(false)
  })
})

describe('createStrengthWatch()', () => {
  const held = (value: string): TrustProfile =>
    ({
      entries: new Map([['capture.strength', { values: [value], provenance: 'observed' }]]),
    }) as unknown as TrustProfile

  it('asks for a renewal at once when the capture has become weak, and when it is strong for good', async () => {
    let value: CaptureStrength['value'] = 'strong'
    let looks = 0
    const read = (): Promise<CaptureStrength> => {
      looks += 1
      return Promise.resolve(value === 'weak' ? { value, because: 'x' } : { value })
    }
    const log = recordingLogger()
    const watch = createStrengthWatch({ read, profile: () => undefined, log, intervalMs: 1 })
    expect(watch.current).to.equal('weak')
    const reasons: string[] = []
    const stop = new AbortController()
    await watch.tell()
    const running = watch.run((reason) => {
      reasons.push(reason)
      void watch.tell()
    }, stop.signal)
    const later = looks + 5
    await eventually('five looks', () => looks >= later)
    expect(reasons).to.deep.equal([])
    value = 'weak'
    await eventually('a renewal', () => reasons.length === 1)
    expect(watch.current).to.equal('weak')
    value = 'strong'
    const before = looks
    await eventually('another renewal', () => reasons.length === 2)
    expect(looks - before).to.be.at.least(3)
    expect(reasons).to.deep.equal(['capture.strength is weak', 'capture.strength is strong'])
    stop.abort()
    await running
  })

  it('goes on asking while the SVID says what does not hold, as it does after a lost answer', async () => {
    const read = (): Promise<CaptureStrength> => Promise.resolve({ value: 'weak', because: 'x' })
    let profile = held('strong')
    const options = { read, profile: () => profile, log: recordingLogger(), intervalMs: 1 }
    const watch = createStrengthWatch(options)
    await watch.tell()
    const stop = new AbortController()
    let asked = 0
    const running = watch.run(() => {
      asked += 1
      if (asked === 3) profile = held('weak')
      if (asked > 3) stop.abort()
    }, stop.signal)
    await eventually('three requests', () => asked === 3)
    stop.abort()
    await running
    expect(asked).to.equal(3)
  })
})
