ARG FOUNDATION
FROM $FOUNDATION
COPY k6 /usr/local/bin/k6
# k6 neither reports its use nor looks for other binaries: a run touches nothing outside the lab.
ENV K6_NO_USAGE_REPORT=true K6_AUTO_EXTENSION_RESOLUTION=false
