import { expect } from 'chai'
import { nameServersOf } from '../../../src/base/resolv-conf.ts'

describe('nameServersOf()', () => {
  it('takes name servers beyond this machine, each once and without a zone', () => {
    const text = [
      '# nameserver 192.0.2.1',
      'search example.net',
      'nameserver 127.0.0.53',
      'nameserver ::1',
      'nameserver\t10.0.0.2  # the VPC',
      'nameserver 10.0.0.2',
      'nameserver fe80::1%eth0',
      'nameserver ten',
      'nameserver 10.0.0.3 }',
      'nameserverx 10.0.0.4',
    ].join('\n')
    expect(nameServersOf(text)).to.deep.equal(['10.0.0.2', 'fe80::1'])
  })
})
