"""How secrets rest in the store: sealed under `SECRET_KEY`, opened with any of its entries."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workers.errors import SealBroken

#: Keeps these keys apart from others made of the same `SECRET_KEY`, such as those of sessions.
_PURPOSE = b"komo-braze: secrets at rest"
#: The same for telling keys apart; of a random key, four bytes of this give nothing away.
_MARK_PURPOSE = b"komo-braze: which key"
_MARK_BYTES = 4


class Seal:
    """Closes with the newest key, opens with any: rotation is prepending a key."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        """
        Args:
            secret_keys: The entries of `SECRET_KEY`, newest first; without one, nothing can be sealed or opened.
        """
        self._keys = [Fernet(urlsafe_b64encode(_derived(key, _PURPOSE, 32))) for key in secret_keys]

    @property
    def _fernet(self) -> MultiFernet:
        if not self._keys:
            raise SealBroken("Secrets are sealed under SECRET_KEY, which is not set.")
        return MultiFernet(self._keys)

    def close(self, secret: str) -> str:
        """
        Raises: SealBroken without a key.
        """
        return self._fernet.encrypt(secret.encode()).decode()

    def is_newest(self, token: str) -> bool:
        """Whether the newest key closed it."""
        try:
            self._keys[0].decrypt(token.encode())
        except (InvalidToken, IndexError):
            return False
        return True

    def open(self, token: str) -> str:
        """
        Raises: SealBroken if none of the keys closed it.
        """
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise SealBroken(
                "A stored secret can't be opened with SECRET_KEY; add the key it was sealed with at the end of it."
            ) from None


def key_marks(secret_keys: Sequence[str]) -> list[str]:
    """A short name for each key, by which processes can compare what they run with; no key can be found from it."""
    return [_derived(key, _MARK_PURPOSE, _MARK_BYTES).hex() for key in secret_keys]


def _derived(key: str, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose).derive(key.encode())
