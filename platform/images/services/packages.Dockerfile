# Node and the packages that the services import, as the lock file says.
ARG FOUNDATION
FROM $FOUNDATION
COPY node /usr/local/bin/node
COPY node_modules/ /app/node_modules/
ENV NODE_ENV=production
