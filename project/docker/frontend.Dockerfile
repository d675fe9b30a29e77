# The page, built once and served by nginx, which also leads to the gateway. The context is the repository's root.

FROM node:22-slim AS build
WORKDIR /build
COPY frontend-service/package.json frontend-service/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY frontend-service ./
RUN npm run build

FROM nginx:1.30
COPY --from=build /build/dist /usr/share/nginx/html
COPY project/docker/frontend/nginx.conf.template /etc/reelwork/
COPY --chmod=755 project/docker/frontend/serve.sh /usr/local/bin/serve
# nginx's own user in its image
USER 101:101
EXPOSE 3000
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=4 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:3000/"]
ENTRYPOINT ["/usr/local/bin/serve"]
CMD []
