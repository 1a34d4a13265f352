import { expect } from 'chai'
import { createLogger, logLevels, type LogLevel } from '../../../src/main/logger.ts'

function recordsOf(level: LogLevel): {
  log: ReturnType<typeof createLogger>
  records: () => Record<string, unknown>[]
} {
  const lines: string[] = []
  const log = createLogger({
    level,
    name: 'sidecar',
    destination: { write: (line) => void lines.push(line) },
  })
  return { log, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('createLogger()', () => {
  it('writes one record with ISO time, level by name, and its fields', () => {
    const { log, records } = recordsOf('info')
    log.info({ workload: 'web', port: 5432 }, 'connection closed')
    const [record] = records()
    expect(record).to.include({
      name: 'sidecar',
      level: 'info',
      msg: 'connection closed',
      workload: 'web',
      port: 5432,
    })
    expect(record?.['time']).to.match(/^20\d\d-\d\d-\d\dT[0-9:.]+Z$/)
  })

  it('drops records below its level', () => {
    const counts = logLevels.map((level) => {
      const { log, records } = recordsOf(level)
      log.debug({}, 'd')
      log.info({}, 'i')
      log.warn({}, 'w')
      log.error({}, 'e')
      return records().length
    })
    expect(counts).to.deep.equal([4, 3, 2, 1, 0])
  })

  it('replaces secrets, at the top and one level inside', () => {
    const { log, records } = recordsOf('info')
    log.info(
      { token: 's3cret', config: { privateKey: 's3cret', port: 1 }, joinToken: 's3cret' },
      'x',
    )
    expect(JSON.stringify(records())).not.to.contain('s3cret')
    expect(records()[0]?.['config']).to.deep.equal({ privateKey: '[redacted]', port: 1 })
  })

  it('keeps code and causes of an error, and nothing else that hangs on it', () => {
    const { log, records } = recordsOf('info')
    const error = Object.assign(new Error('outer', { cause: new TypeError('inner') }), {
      code: 'ERR_X',
      request: { token: 's3cret' },
    })
    log.error({ error }, 'failed')
    const [record] = records()
    expect(record?.['error']).to.deep.include({ message: 'outer', code: 'ERR_X' })
    expect(record?.['error']).to.have.nested.property('cause.message', 'inner')
    expect(JSON.stringify(record)).not.to.contain('s3cret')
  })
})
