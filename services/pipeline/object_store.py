"""A store that speaks S3, for the test of ingest: holds a folder, asks for signatures, lives as long as its stdin.

    python object_store.py FOLDER BUCKET PREFIX

Prints one line of JSON, {"endpoint", "id", "secret"}, when it is ready. Only that key may read, and nobody may write.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import boto3
import requests
from moto.server import ThreadedMotoServer

PORT = 9000
READ_ONLY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}],
}


def main(folder: str, bucket: str, prefix: str) -> None:
    # No signature is asked for while it is filled.
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "1000000"
    server = ThreadedMotoServer("0.0.0.0", PORT, verbose=False)  # noqa: S104 - reached from the pods of a cluster
    server.start()
    local = f"http://127.0.0.1:{PORT}"
    anybody = {"region_name": "us-east-1", "aws_access_key_id": "fill", "aws_secret_access_key": "fill"}
    s3, iam = (boto3.client(name, endpoint_url=local, **anybody) for name in ("s3", "iam"))
    s3.create_bucket(Bucket=bucket)
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file():
            s3.put_object(Bucket=bucket, Key=f"{prefix}/{path.relative_to(folder)}", Body=path.read_bytes())
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(READ_ONLY))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    requests.post(f"{local}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()
    address = socket.gethostbyname(socket.gethostname())
    told = {"endpoint": f"http://{address}:{PORT}", "id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}
    print(json.dumps(told), flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
