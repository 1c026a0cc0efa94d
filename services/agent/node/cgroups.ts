/** Where the node has its control groups, as the agent opens them. */
export type CgroupLayout = {
  readonly version: 1 | 2
  /** Version 1: by controller. Version 2: the one hierarchy. */
  readonly mounts: readonly CgroupMount[]
}

type CgroupMount = {
  /** As /proc/PID/cgroup names them; empty in version 2. */
  readonly controllers: readonly string[]
  /** Path of the group that the mount shows. */
  readonly root: string
  readonly folder: string
}

/** What is in the one hierarchy of version 2, whose files lie in one folder. */
const UNIFIED = ['cpu', 'cpuset', 'io', 'memory', 'pids', 'freezer']

const NOT_CONTROLLERS = new Set(['rw', 'ro'])

/**
 * Reads where control groups are mounted. A machine that has both versions counts as version 1: the controllers are
 * where the limits are kept.
 *
 * @param mountinfo of a process of the node, such as /proc/1/mountinfo
 * @param nodeRoot the node's root folder as the agent reaches it
 */
export function cgroupLayout(mountinfo: string, nodeRoot: string): CgroupLayout {
  const lines = mountinfo.split('\n').flatMap(parseMount)
  const old = lines.filter(line => line.type === 'cgroup' && line.controllers.length > 0)
  if (old.some(({ controllers }) => controllers.includes('memory'))) {
    return { version: 1, mounts: old.map(({ type: _, ...line }) => inNode(line, nodeRoot)) }
  }
  const unified = lines.filter(line => line.type === 'cgroup2')
  return {
    version: 2,
    mounts: unified.map(({ type: _, ...line }) => inNode({ ...line, controllers: [] }, nodeRoot)),
  }
}

/**
 * Folders of the control groups of a process, by controller.
 *
 * @param cgroups lines of /proc/PID/cgroup
 */
export function cgroupFolders(layout: CgroupLayout, cgroups: string): Readonly<Record<string, string>> {
  const folders: Record<string, string> = {}
  for (const line of cgroups.split('\n')) {
    const [, names, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (names === undefined || path === undefined) continue
    const controllers = names === '' ? [] : names.split(',')
    const mount = layout.mounts.find(each =>
      layout.version === 2 ? names === '' : controllers.some(name => each.controllers.includes(name)),
    )
    if (mount === undefined) continue
    const folder = mount.folder + below(mount.root, path)
    for (const name of layout.version === 2 ? UNIFIED : controllers) folders[name] = folder
  }
  return folders
}

/** Which container of which pod a process is in, by the path of its control group. */
export function containerOf(
  cgroups: string,
): { readonly podUid: string; readonly containerId: string } | null {
  const [, podUid, containerId] =
    /pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})[^\n]*?([0-9a-f]{64})/.exec(cgroups) ?? []
  return podUid === undefined || containerId === undefined
    ? null
    : { podUid: podUid.replaceAll('_', '-'), containerId }
}

function parseMount(line: string): readonly (CgroupMount & { readonly type: string })[] {
  const [before, after] = line.split(' - ')
  const [, , , root, folder] = (before ?? '').split(' ')
  const [type, , options = ''] = (after ?? '').split(' ')
  if (root === undefined || folder === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return []
  const controllers = options.split(',').filter(each => !NOT_CONTROLLERS.has(each) && !each.includes('='))
  // A hierarchy of systemd's own has a name and no controller.
  return [{ type, root, folder, controllers: options.includes('name=') ? [] : controllers }]
}

function inNode(mount: CgroupMount, nodeRoot: string): CgroupMount {
  return { ...mount, folder: `${nodeRoot}${mount.folder}` }
}

function below(root: string, path: string): string {
  if (root === '/') return path === '/' ? '' : path
  return path.startsWith(`${root}/`) ? path.slice(root.length) : path
}
