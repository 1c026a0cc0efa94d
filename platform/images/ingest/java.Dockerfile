# Java for Spark: only the modules Spark can use, 90 MB instead of the 210 MB of Debian's run-time package. Then the
# MIDI files of OpenMSX; the game they belong to is not installed.
ARG JDK
ARG PYTHON
FROM $JDK AS linked
RUN jlink --output /opt/java --strip-java-debug-attributes --no-header-files --no-man-pages \
    --add-modules java.se,jdk.unsupported,jdk.crypto.ec,jdk.incubator.vector,jdk.management,jdk.net,jdk.nio.mapmode,jdk.security.auth,jdk.security.jgss,jdk.zipfs

FROM $PYTHON
RUN install-packages openttd-openmsx
COPY --from=linked /opt/java /opt/java
ENV JAVA_HOME=/opt/java
