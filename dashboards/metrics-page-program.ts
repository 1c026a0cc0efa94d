import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MOVED } from './metrics-moved.ts'
import { metricsPage } from './metrics-page.ts'

await writeFile(join(import.meta.dirname, '..', 'docs', 'metrics.md'), metricsPage(MOVED))
