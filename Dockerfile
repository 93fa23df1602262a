# syntax=docker/dockerfile:1
# The server in an image without a shell: glibc, certificates, one binary, a user without rights.

FROM rust:1.95.0-bookworm AS build
# The TLS library may want it; the image has a C compiler only.
RUN apt-get update && apt-get install -y --no-install-recommends cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ARG VERSION=""
ARG COMMIT=""
ARG BUILD_TIME=""
# Empty arguments must not count as told.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    if [ -n "$VERSION" ]; then export KRATOS_BUILD_VERSION="$VERSION"; fi; \
    if [ -n "$COMMIT" ]; then export KRATOS_BUILD_COMMIT="$COMMIT"; fi; \
    if [ -n "$BUILD_TIME" ]; then export KRATOS_BUILD_TIME="$BUILD_TIME"; fi; \
    cargo build --locked --profile dist --bin kratos \
    && install -D target/dist/kratos /out/usr/bin/kratos \
    && mkdir -p /out/var/lib/kratos

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/usr /usr
# Where an SQLite file may live: the only place that the user may write to.
COPY --from=build --chown=65532:65532 /out/var/lib/kratos /var/lib/kratos
WORKDIR /var/lib/kratos
VOLUME /var/lib/kratos
EXPOSE 4433 4434
ENTRYPOINT ["/usr/bin/kratos"]
# Without a configuration this listens on the container's own loopback only: name a file (-c), or set variables.
CMD ["serve"]
