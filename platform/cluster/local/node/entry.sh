#!/bin/bash
# First process of every container of the cluster; the argument says which one it is. What is particular to one
# machine is mounted at /etc/divergence. Every step may run again: a container that was killed is started as it is.
set -u
role=${1:?usage: entry.sh control-plane|node|registry}
machine=/etc/divergence
log=/var/log
log_limit_bytes=20000000
# Processor time of kubelet, container runtime and what they start, against 1024 for each core that the pods have.
system_shares=512

say() { echo "$(date +%T) $*"; }

# Starts a program again whenever it ends, and keeps its log from growing for ever.
supervise() {
  local name=$1
  shift
  while :; do
    echo "== $(date +%FT%T) start $*" >>"$log/$name.log"
    "$@" >>"$log/$name.log" 2>&1
    local code=$?
    echo "== $(date +%FT%T) exit code $code" >>"$log/$name.log"
    say "$name ended with exit code $code"
    sleep 0.5
  done &
}

trim_logs() {
  local file
  for file in "$log"/*.log; do
    if [ "$(stat -c %s "$file")" -gt "$log_limit_bytes" ]; then
      tail -c $((log_limit_bytes / 4)) "$file" >"$file.tail" && cat "$file.tail" >"$file" && rm "$file.tail"
    fi
  done
}

stay() {
  trap 'exit 0' TERM INT
  while :; do
    sleep 60 &
    wait $!
    trim_logs
  done
}

# What another cluster left behind is of no use to this one: its authority signed other names and tokens.
own_folder() {
  local folder=$1
  if ! cmp -s "$machine/ca.crt" "$folder/ca.crt"; then
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$machine/ca.crt" "$folder/ca.crt"
  fi
}

add_routes() {
  local route
  while read -r route; do
    # shellcheck disable=SC2086
    ip route replace $route
  done <"$machine/routes"
}

control_plane() {
  add_routes
  own_folder /store/control-plane
  mkdir -p /store/control-plane/etcd
  chmod 700 /store/control-plane/etcd
  ln -sfn /store/control-plane/etcd /var/lib/etcd
  local program arguments
  for program in etcd kube-apiserver kube-controller-manager kube-scheduler; do
    # The last two would end and start again until the API server listens.
    case $program in kube-controller-manager | kube-scheduler)
      until (exec 3<>/dev/tcp/127.0.0.1/6443) 2>/dev/null; do sleep 0.1; done ;;
    esac
    mapfile -t arguments <"$machine/$program.args"
    supervise "$program" "$program" "${arguments[@]}"
  done
}

# A file over a kernel setting: kubelet finds the value it insists on, and the machine keeps its own.
pretend() {
  local setting=/proc/sys/$1 value=$2 file
  [ -e "$setting" ] || return 0
  [ "$(cat "$setting")" = "$value" ] && return 0
  file=/run/pretended/${1//\//.}
  mkdir -p /run/pretended
  echo "$value" >"$file"
  mount --bind "$file" "$setting"
}

open_cgroups() {
  local mounted
  mount -o remount,rw /sys
  for mounted in $(awk '$3 ~ /^cgroup2?$/ {print $2}' /proc/mounts) /sys/fs/cgroup; do
    mount -o remount,bind,rw "$mounted"
  done
  if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then
    set_aside /sys/fs/cgroup/cpu
    echo "$system_shares" >/sys/fs/cgroup/cpu/system/cpu.shares
    return 0
  fi
  # In cgroup v2 a group has either processes or controlled children.
  set_aside /sys/fs/cgroup
  local controller
  for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || say "controller $controller is not to be had"
  done
  # From shares (2 to 262144) to a weight (1 to 10000), as runc does.
  echo $((1 + (system_shares - 2) * 9999 / 262142)) >/sys/fs/cgroup/system/cpu.weight
}

# Moves this container's own processes, and all that they start, into a group beside the pods'. Each of them would
# otherwise weigh as much as half of all pods: a dozen containers that start at once took their time from those that serve.
set_aside() {
  mkdir -p "$1/system"
  local pid
  while read -r pid; do
    echo "$pid" >"$1/system/cgroup.procs" 2>/dev/null || true
  done <<<"$(cat "$1/cgroup.procs")"
}

# A node that is new begins with the images that were unpacked for all: files by hard link, databases as copies.
own_images() {
  local own=$1 template=/store/template
  [ -e "$own/containerd" ] && return 0
  (
    flock --shared 9
    [ -e "$template/complete" ] || exit 0
    rm -rf "$own/containerd.unfinished"
    cp -al "$template/containerd/." "$own/containerd.unfinished"
    cd "$template/containerd" && find . -name '*.db' -exec cp --remove-destination {} "$own/containerd.unfinished/{}" \;
    mv "$own/containerd.unfinished" "$own/containerd"
  ) 9>>/store/template.lock
}

node() {
  local name own
  name=$(hostname)
  own=/store/nodes/$name
  own_folder "$own"
  open_cgroups
  pretend vm/overcommit_memory 1
  pretend vm/panic_on_oom 0
  pretend kernel/panic 10
  pretend kernel/panic_on_oops 1
  pretend kernel/keys/root_maxkeys 1000000
  pretend kernel/keys/root_maxbytes 25000000
  echo "$name" | md5sum | cut -c1-32 >/etc/machine-id
  own_images "$own"
  mkdir -p "$own/containerd" "$own/kubelet/divergence-disk" /var/lib/containerd /var/lib/kubelet /etc/cni/net.d
  mount --bind "$own/containerd" /var/lib/containerd
  mount --bind "$own/kubelet" /var/lib/kubelet
  mount --make-rshared /
  cp "$machine/pods.conflist" /etc/cni/net.d/10-pods.conflist
  add_routes
  # What leaves the pods' network goes out under the node's address.
  iptables -t nat -A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -o eth0 -j MASQUERADE
  # A Service that kube-proxy does not know yet is looked for nowhere else: whoever answered out there would keep the
  # connection. What kube-proxy has translated no longer bears such an address here.
  iptables -A FORWARD -d 10.96.0.0/16 -j REJECT
  iptables -A OUTPUT -d 10.96.0.0/16 -j REJECT
  # shellcheck source=/dev/null
  . "$machine/registration.env"
  supervise containerd containerd --config "$machine/containerd.toml"
  supervise kube-proxy kube-proxy --config "$machine/kube-proxy.yaml" --v=1
  until ctr version >/dev/null 2>&1; do sleep 0.1; done
  supervise kubelet kubelet --config "$machine/kubelet.yaml" --kubeconfig "$machine/kubelet.kubeconfig" \
    --hostname-override "$name" --node-ip "$NODE_ADDRESS" --node-labels "$NODE_LABELS" \
    ${NODE_TAINTS:+--register-with-taints "$NODE_TAINTS"} --v=1
}

case $role in
  control-plane) control_plane ;;
  node) node ;;
  registry) exec docker-registry serve /etc/divergence-registry.yml ;;
  *) say "Cannot act as '$role'" && exit 2 ;;
esac
say "$role started"
stay
