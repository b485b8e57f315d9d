# The program alone: for COPY --from=snib in other Dockerfiles, such as examples/image/Dockerfile.
#
#   docker build -t snib .

ARG BUILDER=golang:1.26.8

FROM ${BUILDER} AS build
WORKDIR /src
ENV CGO_ENABLED=0
COPY go.mod go.sum ./
RUN ["go", "mod", "download"]
COPY . .
RUN ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -E main.entry", "-o", "/out/snib", "."]

FROM scratch
COPY --from=build /out/snib /snib
ENTRYPOINT ["/snib"]
