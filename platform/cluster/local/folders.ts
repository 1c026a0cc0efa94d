import { homedir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'

/** Where the lab keeps what must outlive a command. Both are outside the clone, so that a second clone starts warm. */
export type LabFolders = {
  /** Slow to make and safe to lose: compiled programs, Go's caches, the base image's archive. */
  readonly cache: string
  /** What belongs to the cluster that runs now: kubeconfig, keys, logs. Gone after `down`. */
  readonly state: string
}

/** The XDG folders of this user; a relative path in an XDG variable is ignored, as the XDG specification demands. */
export function labFolders(
  environment: Readonly<Record<string, string | undefined>> = env,
  home: string = homedir(),
): LabFolders {
  const absolute = (path: string | undefined) => (path?.startsWith('/') ? path : undefined)
  return {
    cache: join(absolute(environment.XDG_CACHE_HOME) ?? join(home, '.cache'), 'divergence'),
    state: join(absolute(environment.XDG_STATE_HOME) ?? join(home, '.local', 'state'), 'divergence'),
  }
}
