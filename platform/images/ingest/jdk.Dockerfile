# Where Java is linked and Java's packages are fetched; never published.
ARG FOUNDATION
FROM $FOUNDATION
RUN install-packages openjdk-17-jdk-headless maven
