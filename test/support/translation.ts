import type { Machine, Ran } from './network.ts'

/** Runs a command on a machine; throws with what it said unless it succeeds. */
export async function must(machine: Machine, ...command: readonly string[]): Promise<Ran> {
  const ran = await machine.run(command)
  if (ran.code !== 0) throw new Error(`${command.join(' ')}: ${ran.stderr}`)
  return ran
}

/** Makes a machine pass on packets, with its own address on all that leaves by eth0. */
export async function translateSources(gate: Machine): Promise<void> {
  await must(gate, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
  const rules = [
    'add table ip translation',
    'add chain ip translation post { type nat hook postrouting priority 100 ; }',
    'add rule ip translation post oifname "eth0" masquerade',
  ]
  await must(gate, 'nft', rules.join('; '))
}

/** Takes a machine off its network and puts it behind a gate, at `network`.2; the gate is `network`.1 there. */
export async function putBehind(
  { machine, gate, link }: { machine: Machine; gate: Machine; link: string },
  network: string,
): Promise<void> {
  const ip = async (on: Machine, words: string): Promise<Ran> =>
    await must(on, 'ip', ...words.split(' '))
  await ip(machine, 'link del eth0')
  await ip(machine, `link add eth0 type veth peer name ${link} netns ${namespaceOf(gate)}`)
  await ip(machine, `addr add ${network}.2/24 dev eth0`)
  await ip(machine, 'link set eth0 up')
  await ip(machine, `route add default via ${network}.1`)
  await ip(gate, `addr add ${network}.1/24 dev ${link}`)
  await ip(gate, `link set ${link} up`)
}

/** Spreads connections to a port of a machine over backends, one after the other, by destination translation. */
export async function balance(
  balancer: Machine,
  port: number,
  backends: readonly Machine[],
): Promise<void> {
  await translateSources(balancer)
  const turns = backends.map(({ v4 }, index) => `${String(index)} : ${v4}`).join(', ')
  const rules = [
    'add chain ip translation pre { type nat hook prerouting priority -100 ; }',
    `add rule ip translation pre tcp dport ${String(port)} dnat to numgen inc mod ${String(backends.length)} map { ${turns} }`,
  ]
  await must(balancer, 'nft', rules.join('; '))
}

function namespaceOf({ within }: Machine): string {
  const name = within.at(-1)
  if (name === undefined) throw new Error('BUG: a machine without a namespace')
  return name
}
