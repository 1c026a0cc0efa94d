# The programs that faults are done with, beside Node. They are those of Debian: well kept, and the same everywhere. What
# they do and how they are undone was tested with these versions.
ARG PACKAGES
FROM $PACKAGES
RUN install-packages \
    'stress-ng=0.15.*' 'nftables=1.0.6-*' 'iptables=1.8.*' 'iproute2=6.1.*' 'util-linux=2.38.*' 'socat=1.7.*'
