# Gibbsweep with all that it needs: for deploy/raycluster.yaml and deploy/rayjob.yaml, and for a single machine.
#   docker build -t gibbsweep .                                   # runs on GPUs (NVIDIA's container toolkit) and without
#   docker build -t gibbsweep:cpu --build-arg TORCH_INDEX=URL .   # smaller; URL: PyTorch's index of CPU wheels
#   docker run --rm --shm-size=4g -v "$PWD/runs:/shared/runs" gibbsweep python sweeps/cd_k.py
FROM python:3.12-slim

# git: the commit on record; wget: Kubernetes' probes of Ray; tini ends what a container started.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends git wget tini && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 gibbsweep && install -d -o gibbsweep /shared /shared/runs /shared/data /home/gibbsweep/code
USER gibbsweep
WORKDIR /home/gibbsweep/code
ENV PATH=/home/gibbsweep/venv/bin:$PATH \
    GIBBSWEEP_RUNS=/shared/runs GIBBSWEEP_DATA=/shared/data \
    RAY_USAGE_STATS_ENABLED=0 MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true

# What changes seldom comes first: the packages, then the code.
ARG TORCH_INDEX=
RUN python -m venv /home/gibbsweep/venv
COPY --chown=gibbsweep constraints.txt ./
RUN if [ -n "$TORCH_INDEX" ]; then pip install --no-cache-dir -i "$TORCH_INDEX" torch torchvision; fi
COPY --chown=gibbsweep . .
# The constraints name the GPU's wheels: with another index torch stays as it was installed.
RUN if [ -n "$TORCH_INDEX" ]; then grep -vE '^(torch|torchvision|nvidia|cuda|triton)' constraints.txt > /tmp/constraints.txt; \
    else cp constraints.txt /tmp/constraints.txt; fi && \
    pip install --no-cache-dir --constraint /tmp/constraints.txt --editable '.[aws]'
ENTRYPOINT ["tini", "--"]
CMD ["gibbsweep", "--help"]
