# Where the Java packages that read S3 are fetched; never published.
ARG JDK
FROM $JDK
COPY machine/ /machine/
COPY pom.xml jars.sha256 fetch-jars /s3a/
RUN /s3a/fetch-jars /opt/spark/file-systems/s3a
