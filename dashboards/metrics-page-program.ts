import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { metricsPage } from './coverage.ts'

await writeFile(join(import.meta.dirname, '..', 'docs', 'metrics.md'), metricsPage())
