import { expect } from 'chai'
import { parseImdsEndpoint } from '../../../src/aws/index.ts'

describe('parseImdsEndpoint()', () => {
  const accepted: readonly (readonly [text: string, host: string, port: number])[] = [
    ['http://169.254.169.254', '169.254.169.254', 80],
    ['http://169.254.169.254/', '169.254.169.254', 80],
    ['http://127.0.0.1:1338', '127.0.0.1', 1338],
    ['http://[::1]:1338', '::1', 1338],
    ['http://[fd00:ec2::254]', 'fd00:ec2::254', 80],
  ]
  for (const [text, host, port] of accepted) {
    it(`reads ${text}`, () => {
      expect(parseImdsEndpoint(text)).to.deep.equal({ host, port })
    })
  }

  const refused: readonly (readonly [text: string, why: string])[] = [
    ['169.254.169.254', 'no scheme'],
    ['https://169.254.169.254', 'TLS, which the service does not speak'],
    ['http://metadata.example', 'a name, which somebody else resolves'],
    ['http://localhost:1338', 'a name'],
    ['http://10.0.0.1', 'another machine'],
    ['http://8.8.8.8', 'another machine'],
    ['http://[2001:db8::1]', 'another machine'],
    ['http://[fd00:ec3::254]', 'another machine'],
    ['http://[::ffff:10.0.0.1]', 'another machine, in disguise'],
    ['http://169.254.169.254/latest', 'a path'],
    ['http://169.254.169.254/?x', 'a query'],
    ['http://user@169.254.169.254', 'a user'],
    ['http://169.254.169.254#x', 'a fragment'],
    ['', 'nothing'],
  ]
  for (const [text, why] of refused) {
    it(`refuses ${text}: ${why}`, () => {
      expect(() => parseImdsEndpoint(text)).to.throw(/expected http:\/\//)
    })
  }
})
