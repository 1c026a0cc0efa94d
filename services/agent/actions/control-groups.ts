import { ActionError, type ContainerTarget, type Probe, type Subject, type Target } from './action.ts'

/** The container of a subject. @throws ActionError when the target is a node */
export function containerOf(subject: Pick<Subject<unknown, Target>, 'target'>): ContainerTarget {
  if (subject.target.kind === 'container') return subject.target
  throw new ActionError(`Cannot do this to node '${subject.target.node}': it is for containers`)
}

/** Folder of the container in the hierarchy of a controller; version 2 has one for all. */
export function folderOf(target: ContainerTarget, controller: string): string {
  const { version, folders } = target.cgroups
  const folder = folders[controller] ?? (version === 2 ? Object.values(folders)[0] : undefined)
  if (folder !== undefined) return folder
  throw new ActionError(
    `Cannot reach container '${target.pod}/${target.container}': its node has no control groups of '${controller}'`,
  )
}

/** Each folder once: what joins all is under every limit of the container. */
export function allFolders(target: ContainerTarget): readonly string[] {
  return [...new Set(Object.values(target.cgroups.folders))]
}

/** One number of a file of `name number` lines; 0 when the file or the line is not there. */
export async function statistic(probe: Probe, path: string, name: string): Promise<number> {
  const text = await probe.readFile(path)
  const line = text?.split('\n').find(candidate => candidate.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1) ?? 0)
}
