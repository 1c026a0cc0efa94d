const shared = { transform: {}, extensionsToTreatAsEsm: ['.ts'], testEnvironment: 'node' }
const ignore = ['/node_modules/', '/runs/']

/**
 * A suffix names what a test needs: `*.cluster.test.ts` the local cluster, `*.browser.test.ts` Chromium, `*.eks.test.ts` the
 * packages of `platform/eks`, `*.test.ts` nothing.
 */
export default {
  // A machine that builds images beside the tests is slow, not wrong.
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/exit-reporter.js'],
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['**/*.test.ts'],
      testPathIgnorePatterns: [...ignore, '\\.(cluster|browser|eks)\\.test\\.ts$'],
    },
    { ...shared, displayName: 'browser', testMatch: ['**/*.browser.test.ts'], testPathIgnorePatterns: ignore },
    { ...shared, displayName: 'eks', testMatch: ['**/*.eks.test.ts'], testPathIgnorePatterns: ignore },
    { ...shared, displayName: 'cluster', testMatch: ['**/*.cluster.test.ts'], testPathIgnorePatterns: ignore },
  ],
}
