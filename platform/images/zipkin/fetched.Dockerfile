# Where Zipkin is fetched and the Java it runs on is linked, with only the modules it uses; never published.
ARG JDK
FROM $JDK
RUN jlink --output /opt/java --strip-java-debug-attributes --no-header-files --no-man-pages \
    --add-modules java.desktop,java.instrument,java.logging,java.management,java.naming,java.sql,java.xml,jdk.crypto.ec,jdk.management,jdk.unsupported
COPY machine/ /machine/
COPY pom.xml jars.sha256 fetch-jars /zipkin/
COPY unpack-zipkin /usr/local/bin/unpack-zipkin
RUN /zipkin/fetch-jars /tmp/zipkin && unpack-zipkin /tmp/zipkin /opt/zipkin && rm -rf /tmp/zipkin
