"""The webhook's certificate: read from a folder, and read anew when the kubelet changes it."""

import hashlib
import logging
import ssl
from pathlib import Path
from typing import Final

CHAIN: Final = "tls.crt"
KEY: Final = "tls.key"

_logger = logging.getLogger(__name__)


class Certificate:
    """The pair of a folder, for handshakes to come; those that were made keep theirs.

    A new pair gets a TLS context of its own, which each handshake is handed at its begin. To load
    it into the context that is in use would not do: OpenSSL takes chain and key one after the
    other, so a pair that does not match would be half in, and the old one gone.

    Args:
        folder: Where tls.crt and tls.key are, as a Secret is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digest = ""
        self._complaint = ""
        self._pair: ssl.SSLContext | None = None
        self.context = _context()
        """The server's TLS context; it has no certificate of its own."""
        self.context.sni_callback = self._hand_over

    @property
    def present(self) -> bool:
        """Whether there was ever a pair that can be served."""
        return self._pair is not None

    def look(self) -> None:
        """Take in the pair as it is now; one that is missing or broken leaves the one before.

        It reads two small files, from memory where a Secret is mounted: cheap enough for every few
        seconds, and unlike the files' times it tells a change for certain.
        """
        try:
            chain, key = (self._folder / name for name in (CHAIN, KEY))
            digest = hashlib.sha256(chain.read_bytes() + b"\0" + key.read_bytes()).hexdigest()
            if digest == self._digest:
                self._complaint = ""
                return
            pair = _context()
            # The password keeps OpenSSL from asking a terminal for one.
            pair.load_cert_chain(chain, key, password="")
        except FileNotFoundError:
            if not self.present:
                words = f"no webhook is served: {self._folder} has no {CHAIN} and {KEY}"
                self._say(logging.INFO, words)
        except (OSError, ValueError) as error:
            kept = "the one before stays" if self.present else "no webhook is served"
            words = f"{CHAIN} and {KEY} in {self._folder} are no certificate with its key"
            self._say(logging.WARNING, f"{words}: {error}; {kept}")
        else:
            if self.present:
                _logger.info("the webhook has a new certificate")
            self._pair, self._digest, self._complaint = pair, digest, ""

    def _hand_over(
        self, handshake: ssl.SSLObject | ssl.SSLSocket, _: str | None, __: ssl.SSLContext
    ) -> None:
        if self._pair is not None:
            handshake.context = self._pair

    def _say(self, level: int, message: str) -> None:
        """Log what was not said at the last look."""
        if message != self._complaint:
            self._complaint = message
            _logger.log(level, message)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
