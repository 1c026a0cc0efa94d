#!/bin/bash
# Makes /store/template: the content of a containerd that has pulled and unpacked the images named by the arguments.
# It begins with what the template before it had, so only images that are new are pulled.
set -euo pipefail
hash=${1:?usage: unpack.sh HASH REFERENCE...}
shift
target=/store/template-$hash
work=/store/template-unfinished

use() {
  (
    flock --exclusive 9
    ln -sfn "$target" /store/template.new
    mv -T /store/template.new /store/template
    for old in /store/template-*; do
      [ "$old" = "$target" ] || rm -rf "$old"
    done
  ) 9>>/store/template.lock
}

if [ -e "$target/complete" ]; then
  use
  exit 0
fi
rm -rf "$work"
mkdir -p "$work/containerd" /var/lib/containerd
if [ -e /store/template/complete ]; then
  cp -al /store/template/containerd/. "$work/containerd"
  cd /store/template/containerd
  find . -name '*.db' -exec cp --remove-destination {} "$work/containerd/{}" \;
  cd /
fi
mount --bind "$work/containerd" /var/lib/containerd
containerd --log-level warn --config /dev/null >/tmp/containerd.log 2>&1 &
engine=$!
images() { ctr --namespace k8s.io images "$@"; }
until ctr version >/dev/null 2>&1; do
  kill -0 $engine
  sleep 0.1
done
present=$(images list --quiet)
for reference in "$@"; do
  if grep -qxF "$reference" <<<"$present"; then continue; fi
  echo "pulling $reference"
  images pull --hosts-dir /etc/containerd/certs.d "$reference" >/tmp/pull.log 2>&1 || { tail -5 /tmp/pull.log >&2; exit 1; }
done
for reference in $present; do
  printf '%s\n' "$@" | grep -qxF "$reference" || images remove --sync "$reference" >/dev/null
done
kill $engine
wait $engine || true
umount /var/lib/containerd
printf '%s\n' "$@" >"$work/complete"
rm -rf "$target"
mv "$work" "$target"
use
