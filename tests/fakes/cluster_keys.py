"""The keys of a cluster, as an API server publishes them, and tokens that it would sign."""

import json
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://kubernetes.default.svc"


class ClusterKeys:
    """One signing key; `more` makes another, as when an API server changes it."""

    def __init__(self, kid: str = "k1") -> None:
        self.kid = kid
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def public(self) -> dict[str, Any]:
        """The key as it stands in a JWKS."""
        key: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        return {**key, "use": "sig", "kid": self.kid, "alg": "RS256"}

    def token(
        self,
        account: str = "dspex-runner",
        *,
        namespace: str = "shop",
        audience: str | None = None,
        pool: str = "small",
        seconds: float = 86_400,
        **claims: Any,
    ) -> str:
        """Sign a projected token of an account for a Pool."""
        now = time.time()
        content = {
            "iss": ISSUER,
            "aud": [audience or f"dspex.dev/{namespace}/{pool}"],
            "sub": f"system:serviceaccount:{namespace}:{account}",
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "jti": str(uuid.uuid4()),
            **claims,
        }
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode(content, self._key, algorithm="RS256", headers={"kid": self.kid})


def publish(folder: Path, keys: Sequence[ClusterKeys], issuer: str = ISSUER) -> Path:
    """Write the folder that a worker's ConfigMap is mounted as; gives it back."""
    folder.mkdir(exist_ok=True)
    jwks = {"keys": [key.public for key in keys]}
    for name, text in (("jwks.json", json.dumps(jwks)), ("issuer", issuer + "\n")):
        fresh = folder / f".{name}"
        fresh.write_text(text)
        fresh.replace(folder / name)
    return folder
