# Postgres and Patroni. The versions are those whose behaviour in a zone outage has been measured.
ARG FOUNDATION
FROM $FOUNDATION
# initdb wants a name for the user it runs as; `postgres` keeps psql's defaults right.
# No cluster is made by the package, and the just-in-time compiler (100 MB of LLVM) is left out: Postgres runs without.
RUN usermod --login postgres divergence \
  && groupmod --new-name postgres divergence \
  && mkdir -p /etc/postgresql-common \
  && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf \
  && install-packages 'postgresql-15=15.*' 'patroni=3.0.2-*' \
  && rm -rf /usr/lib/postgresql/15/lib/llvmjit* /usr/lib/postgresql/15/lib/bitcode /usr/lib/x86_64-linux-gnu/libLLVM-14.so*
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
