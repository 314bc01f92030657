"""Passwords (argon2id) and the six digits of an authenticator (TOTP)."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pyotp.utils import strings_equal

ISSUER = "Silverline"
STEP_SECONDS = 30
DRIFT_STEPS = 1
"""How far a telephone's clock may be off, in time steps."""

LEAST_LETTERS = 12
MOST_LETTERS = 200
"""A longer password is refused unread: hashing must not be work for free."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters that look alike."""


def hash_password(password: str) -> str:
    """Return the argon2id hash of `password`."""
    return _hasher().hash(password)


def is_password(hashed: str, password: str) -> bool:
    """Say whether `password` has the hash `hashed`.

    With an empty `hashed` the answer is no, after the same work: the time tells nobody which
    accounts there are.
    """
    try:
        return _hasher().verify(hashed or _nobody(), password[:MOST_LETTERS]) and bool(hashed)
    except (VerificationError, InvalidHashError):
        return False


def one_time_password() -> str:
    """Return a password to hand over once: five groups of four, 99 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(5))


def new_totp_secret() -> str:
    """Return a secret for an authenticator."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, email: str) -> str:
    """Return the `otpauth://` address that an authenticator takes."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def totp_step(secret: str, code: str, moment: datetime) -> int | None:
    """Return the time step that `code` belongs to, or None where it is wrong at `moment`."""
    digits = "".join(sign for sign in code if sign.isdecimal() and sign.isascii())
    here = int(moment.timestamp()) // STEP_SECONDS
    found = None
    for step in range(here - DRIFT_STEPS, here + DRIFT_STEPS + 1):
        if strings_equal(pyotp.TOTP(secret).generate_otp(step), digits):
            found = step
    return found


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    return hash_password(secrets.token_urlsafe(16))
