"""An EC2 on this machine (moto), whose default VPC is 10.77.0.0/24.

The addresses that it gives out, .4, .5 and so on, are those of :mod:`tests.cluster_proof.machines`.

    python ec2.py PORT KEY.pub      serves at 10.77.0.1 until it is killed
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2 import ec2_backends
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
KEY = f"ray-autoscaler_{REGION}"
"""The name of the key pair that Ray makes where it finds none; it takes the one of this name."""


def main() -> None:
    """Serve, and say so in a line."""
    port, key = int(sys.argv[1]), Path(sys.argv[2]).read_bytes()
    backend = ec2_backends[DEFAULT_ACCOUNT_ID][REGION]
    for subnet in backend.describe_subnets():
        backend.delete_subnet(subnet.id)
    for vpc in backend.describe_vpcs():
        backend.delete_vpc(vpc.id)
    vpc = backend.create_vpc("10.77.0.0/24", is_default=True)
    backend.create_subnet(vpc.id, "10.77.0.0/24", f"{REGION}a")
    backend.import_key_pair(KEY, key, {})
    ThreadedMotoServer(ip_address="10.77.0.1", port=port).start()
    print("serving", flush=True)
    time.sleep(3600)


if __name__ == "__main__":
    main()
