import { describe, expect, test } from '@jest/globals'
import { parseConfig } from './config.ts'

const ENV = {
  OC_DATABASE_HOST: 'oncall-database',
  OC_EVENT_KEY: 'abc123',
  OC_PROMETHEUS_URL: 'http://prometheus:9090/',
}
const secret = () => 'a-secret-of-some-length\n'

describe('parseConfig()', () => {
  test('needs little, and takes a line end for no part of a secret', () => {
    const config = parseConfig(ENV, secret)
    expect(config).toMatchObject({
      listen: { host: '0.0.0.0', port: 8070 },
      database: { host: 'oncall-database', port: 5432, name: 'oncall', user: 'oncall' },
      prometheusUrl: 'http://prometheus:9090',
      zipkinUrl: null,
      policyFile: null,
      alerts: { evaluationSeconds: 5, resendSeconds: 60, refireSeconds: 300 },
    })
    expect(config.secrets.runner).toBe('a-secret-of-some-length')
  })

  test('tells all that is wrong at once, and no secret', () => {
    const env = {
      OC_EVENT_KEY: 'no-dashes',
      OC_PORT: '70000',
      OC_PROMETHEUS_URL: 'ftp://prometheus',
      OC_ZIPKIN_URL: 'http://user:pw@zipkin',
      OC_TYPO: '1',
    }
    const read = (path: string) => {
      if (path.endsWith('runner')) return 'tooshort'
      if (path.endsWith('console')) throw new Error('ENOENT')
      return secret()
    }
    const parse = () => parseConfig(env, read)
    for (const part of [
      'OC_DATABASE_HOST is missing',
      'OC_EVENT_KEY must be letters and digits',
      'OC_PORT must be a whole number from 0 to 65535',
      'OC_PROMETHEUS_URL must be an http or https URL',
      'OC_ZIPKIN_URL must be an http or https URL without credentials',
      'OC_TYPO is unknown',
      "secret 'runner' must have at least 16 characters",
      "secret 'console' cannot be read: ENOENT",
    ]) {
      expect(parse).toThrow(part)
    }
    expect(parse).not.toThrow(/tooshort|a-secret/)
  })
})
