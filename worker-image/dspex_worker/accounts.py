"""Who calls: ServiceAccount tokens, verified offline by the cluster's public keys.

Imported only where `--keys` is given: PyJWT and its cryptography take 40 ms and 15 MB.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec

from dspex.errors import ConfigurationError, Diagnostic

JWKS: Final = "jwks.json"
ISSUER: Final = "issuer"
RUNNER: Final = "dspex-runner"
"""The ServiceAccount of runs; others come by the Pool's `allowedClients`."""

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
"""Those that an API server signs with; never `none`, never one with a shared secret."""

LEEWAY: Final = 10.0
"""Seconds that the clocks of two machines may differ."""

REREAD: Final = 1.0
"""Seconds between two looks at the files."""

MAX_CACHED: Final = 1024
"""Tokens that are remembered."""


class UnknownCallerError(Exception):
    """The token is missing, or is not a good one: 401."""


class ForbiddenCallerError(Exception):
    """The token is good, but its account may not call this Pool: 403."""


class Accounts:
    """Verifies bearer tokens: signature, issuer, audience, time, and the account.

    Args:
        folder: Holds `jwks.json` and `issuer`; read anew when they change, as the kubelet renews
            a mounted ConfigMap.
        namespace: Of the Pool; only accounts of the same one may call.
        pool: The Pool's name, which stands in the audience.
        allowed: Names of ServiceAccounts that may call, besides the runs' own.
        clock: Seconds since 1970.

    Raises:
        ConfigurationError: The folder holds no keys.
    """

    def __init__(
        self,
        folder: Path,
        *,
        namespace: str,
        pool: str,
        allowed: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._audience = f"dspex.dev/{namespace}/{pool}"
        self._namespace = namespace
        self._subjects = frozenset(
            f"system:serviceaccount:{namespace}:{name}" for name in (RUNNER, *allowed)
        )
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._issuer = ""
        self._mark: object = None
        self._looked = float("-inf")
        self._good: OrderedDict[str, float] = OrderedDict()
        self._read()
        if not self._keys or not self._issuer:
            raise ConfigurationError(
                Diagnostic(
                    code="NoKeys",
                    message="the folder of public keys holds none, or no issuer",
                    file=str(folder),
                    expected=f"{JWKS} with the cluster's keys, and {ISSUER}",
                    remedy="look at the ConfigMap dspex-keys, which the operator keeps",
                )
            )

    def verify(self, header: str) -> None:
        """Let a caller in by the value of its Authorization header.

        Raises:
            UnknownCallerError: Says what is wrong about the token, and quotes nothing of it.
            ForbiddenCallerError: Says who called.
        """
        kind, _, token = header.partition(" ")
        if kind.casefold() != "bearer" or not token.strip():
            raise UnknownCallerError("the call carries no bearer token")
        token = token.strip()
        self._look()
        now = self._clock()
        if self._good.get(token, 0.0) > now:
            return
        claims = self._claims(token, now)
        subject = str(claims["sub"])
        if subject not in self._subjects:
            raise ForbiddenCallerError(
                f"{subject} may not call this Pool; name its ServiceAccount in allowedClients, "
                f"if it is one of namespace {self._namespace}"
            )
        self._remember(token, float(claims["exp"]))

    def _claims(self, token: str, now: float) -> Mapping[str, Any]:
        try:
            key = self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    # Times are judged below, by this object's clock.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            begins, ends = float(claims.get("nbf", 0)), float(claims["exp"])
        except jwt.InvalidAudienceError:
            raise UnknownCallerError(f"the token's audience is not {self._audience}") from None
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise UnknownCallerError(f"the token is not valid: {_plain(error)}") from None
        if ends <= now - LEEWAY:
            raise UnknownCallerError("the token has expired")
        if begins > now + LEEWAY:
            raise UnknownCallerError("the token is not valid yet")
        return claims

    def _key(self, name: str) -> jwt.PyJWK:
        if name not in self._keys:
            # A key that the API server has begun to sign with a moment ago.
            self._look(force=True)
        try:
            return self._keys[name]
        except KeyError:
            raise UnknownCallerError(
                "the token is signed by a key that is not among the cluster's"
            ) from None

    def _remember(self, token: str, until: float) -> None:
        self._good[token] = until
        if len(self._good) > MAX_CACHED:
            self._good.popitem(last=False)

    def _look(self, *, force: bool = False) -> None:
        """Read the files anew if they have changed; now and then, or at once."""
        now = self._clock()
        if force or now - self._looked >= REREAD:
            self._looked = now
            self._read()

    def _read(self) -> None:
        try:
            files = [self._folder / JWKS, self._folder / ISSUER]
            mark = [(found.st_ino, found.st_mtime_ns) for found in (file.stat() for file in files)]
            if mark == self._mark:
                return
            keys = _keys(msgspec.json.decode(files[0].read_bytes(), type=_KeySet))
            issuer = files[1].read_text().strip()
        except (OSError, ValueError, msgspec.MsgspecError):
            # Half written, or away for a moment: what was read last stands.
            return
        if keys and issuer:
            self._keys, self._issuer, self._mark = keys, issuer, mark
            # A key that was taken away must let nobody in any more.
            self._good.clear()


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


def _keys(found: _KeySet) -> dict[str, jwt.PyJWK]:
    keys = {}
    for each in found.keys:
        try:
            key = jwt.PyJWK.from_dict(each)
        except (jwt.PyJWTError, NotImplementedError):
            continue  # of a kind that PyJWT does not know: nothing is verified by it
        if key.key_type in ("RSA", "EC"):
            keys[key.key_id or ""] = key
    return keys


def _plain(error: Exception) -> str:
    return str(error) or type(error).__name__
