import { describe, expect, test } from '@jest/globals'
import { cgroupFolders, cgroupLayout, containerOf } from './cgroups.ts'

const UID = '6e10a7b3-a32e-4df0-868c-106507aa27ad'
const ID = 'a2704a0485d2d66aa160e3e401f537b2d45e2bd68eb49dbcf5f7c6ad648b6ca1'

const VERSION_1 = `522 521 0:118 / /sys/fs/cgroup rw,nosuid shared:140 - tmpfs tmpfs rw,mode=755
523 522 0:29 / /sys/fs/cgroup/cpu rw,nosuid shared:141 - cgroup cgroup rw,cpu
526 522 0:32 / /sys/fs/cgroup/memory rw,nosuid shared:144 - cgroup cgroup rw,memory
528 522 0:34 / /sys/fs/cgroup/freezer rw,nosuid shared:146 - cgroup cgroup rw,freezer
531 522 0:37 / /sys/fs/cgroup/systemd rw,nosuid shared:149 - cgroup systemd rw,name=systemd
`
const VERSION_2 =
  '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n'

describe('cgroupFolders()', () => {
  test('finds the folder of each controller where the node mounts it', () => {
    const layout = cgroupLayout(VERSION_1, '/node')
    const path = `/kubepods/burstable/pod${UID}/${ID}`

    const folders = cgroupFolders(
      layout,
      `9:name=systemd:${path}\n6:freezer:${path}\n4:memory:${path}\n1:cpu:${path}\n0::/\n`,
    )

    expect(layout.version).toBe(1)
    expect(folders).toEqual({
      cpu: `/node/sys/fs/cgroup/cpu${path}`,
      memory: `/node/sys/fs/cgroup/memory${path}`,
      freezer: `/node/sys/fs/cgroup/freezer${path}`,
    })
  })

  test('gives every controller the one folder of version 2', () => {
    const layout = cgroupLayout(VERSION_2, '/node')
    const path = `/kubepods.slice/kubepods-pod${UID.replaceAll('-', '_')}.slice/cri-containerd-${ID}.scope`

    const folders = cgroupFolders(layout, `0::${path}\n`)

    expect(layout.version).toBe(2)
    expect(folders).toMatchObject({
      cpu: `/node/sys/fs/cgroup${path}`,
      memory: `/node/sys/fs/cgroup${path}`,
      freezer: `/node/sys/fs/cgroup${path}`,
    })
  })

  test('takes a machine with both versions for what its memory is limited by', () => {
    const both = `${VERSION_1}40 522 0:40 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`

    expect(cgroupLayout(both, '').version).toBe(1)
  })

  test('knows controllers that share a hierarchy, and a mount that shows a part of it', () => {
    const layout = cgroupLayout(
      '1 0 0:1 /docker/x /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n2 0 0:2 / /m rw - cgroup cgroup rw,memory\n',
      '',
    )

    expect(cgroupFolders(layout, '3:cpu,cpuacct:/docker/x/kubepods/y\n')).toEqual({
      cpu: '/sys/fs/cgroup/cpu,cpuacct/kubepods/y',
      cpuacct: '/sys/fs/cgroup/cpu,cpuacct/kubepods/y',
    })
  })
})

describe('containerOf()', () => {
  test.each([
    ['a plain path', `4:memory:/kubepods/burstable/pod${UID}/${ID}\n`],
    [
      'systemd slices',
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID.replaceAll('-', '_')}.slice/cri-containerd-${ID}.scope\n`,
    ],
  ])('reads pod and container from %s', (_title, cgroups) => {
    expect(containerOf(cgroups)).toEqual({ podUid: UID, containerId: ID })
  })

  test.each([
    ['a process of the node', '4:memory:/\n0::/\n'],
    ['a pod without a container', `4:memory:/kubepods/pod${UID}\n`],
    ['a process that is gone', ''],
  ])('finds none for %s', (_title, cgroups) => {
    expect(containerOf(cgroups)).toBeNull()
  })
})
