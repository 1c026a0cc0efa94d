import { z } from 'zod'
import type { LabView } from '../lab/view.ts'
import { experimentGroup, type SelectedContainer, selectContainers, zoneChoice } from './select.ts'

/** Members of the group's database. */
export const databaseSelect = z.strictObject({
  group: experimentGroup,
  role: z.enum(['primary', 'replica']).default('primary').describe('of Postgres'),
  zone: zoneChoice.optional().describe('only the member in this zone'),
})

/** @throws UserError NOTHING_SELECTED */
export function selectDatabases(
  select: z.infer<typeof databaseSelect>,
  view: LabView,
  seed: number,
): readonly SelectedContainer[] {
  return selectContainers({ ...select, services: ['database'] }, view, seed)
}
