# The programs that faults are done with, beside Node. They are those of Debian: well kept, and the same everywhere.
ARG PACKAGES
FROM $PACKAGES
RUN install-packages stress-ng nftables iptables iproute2 util-linux socat
