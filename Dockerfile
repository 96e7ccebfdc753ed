# docs/install.md, "Docker", has the commands to build and run it, for a CPU and for CUDA.
FROM python:3.13-slim
# Of torch's builds; none for that of the package index, which is for CUDA on x86-64.
ARG TORCH_INDEX=""
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,source=constraints.txt,target=/constraints.txt \
    pip install --constraint /constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch
COPY pyproject.toml README.md LICENSE constraints.txt /opt/perceptron/
COPY src /opt/perceptron/src
COPY conf /opt/perceptron/conf
RUN --mount=type=cache,target=/root/.cache/pip \
    cd /opt/perceptron && pip install --constraint constraints.txt '.[table,export,optuna,tabm]'
WORKDIR /work
ENTRYPOINT ["perceptron"]
