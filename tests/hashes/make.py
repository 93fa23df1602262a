"""Makes hashes.json: password hashes that others have made, for tests/it/admin/hashes.rs.

    python3 -m venv /tmp/hashes
    /tmp/hashes/bin/pip install argon2-cffi==25.1.0 bcrypt==5.0.0 cryptography==50.0.2 passlib==1.7.4 scrypt==0.9.4
    /tmp/hashes/bin/python tests/hashes/make.py

Salts and passwords are fixed, so that it makes the same file every time. Each row says what has computed the hash; where
our format spells the same bytes in another way, the spelling is made here. None of it is computed by Kratos.
"""

import hashlib
import hmac
import json
import pathlib
from base64 import b64decode, b64encode

import bcrypt
import scrypt
from argon2.low_level import Type, hash_secret
from cryptography.hazmat.primitives import hashes as digests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from passlib.crypto.digest import compile_hmac
from passlib.hash import (
    django_salted_md5,
    django_salted_sha1,
    hex_md5,
    ldap_salted_sha1,
    ldap_salted_sha256,
    ldap_salted_sha512,
    md5_crypt,
    pbkdf2_sha1,
    pbkdf2_sha256,
    pbkdf2_sha512,
    postgres_md5,
    sha256_crypt,
    sha512_crypt,
)
from passlib.hash import scrypt as passlib_scrypt

PASSWORDS = ["correct horse battery staple", "pÄsswört-\N{PILE OF POO}-密码"]
SALT = b"0123456789abcdef"
KEY = b"a key of a foreign system"
ROWS: list[dict[str, str]] = []


def row(name: str, by: str, password: str, text: str) -> None:
    ROWS.append({"name": name, "made_by": by, "password": password, "hash": text})


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def bare(data: bytes) -> str:
    """Without padding."""
    return base64(data).rstrip("=")


def of_bcrypt(password: str) -> None:
    for version in ["2a", "2b", "2y", "2", "2z"]:
        # The library writes 2y as PHP does, and counts it as 2b. It writes neither 2 nor 2z, which readers take for 2a.
        made = version if version in ("2a", "2b", "2y") else "2a"
        salt = f"${made}$05$ABCDEFGHIJKLMNOPQRSTUu".encode()
        text = bcrypt.hashpw(password.encode(), salt).decode()
        row(f"bcrypt {version}", "bcrypt", password, text.replace(made, version, 1))


def of_argon2(password: str) -> None:
    for name, kind in [("argon2id", Type.ID), ("argon2i", Type.I)]:
        for time, memory, lanes, length in [(1, 64, 1, 32), (3, 256, 4, 24)]:
            text = hash_secret(password.encode(), SALT, time, memory, lanes, length, kind)
            row(f"{name} p={lanes}", "argon2-cffi", password, text.decode())


def of_scrypt(password: str) -> None:
    key = scrypt.hash(password.encode(), SALT, N=1024, r=8, p=1, buflen=32)
    row("scrypt", "scrypt", password, f"$scrypt$ln=1024,r=8,p=1${base64(SALT)}${base64(key)}")
    key = hashlib.scrypt(password.encode(), salt=SALT, n=2048, r=4, p=3, dklen=64)
    row("scrypt p=3", "OpenSSL", password, f"$scrypt$ln=2048,r=4,p=3${base64(SALT)}${base64(key)}")
    # Its ln is the logarithm.
    made = passlib_scrypt.from_string(passlib_scrypt.using(salt=SALT, rounds=10).hash(password))
    text = f"$scrypt$ln=1024,r={made.block_size},p={made.parallelism}${base64(made.salt)}${base64(made.checksum)}"
    row("scrypt of passlib", "passlib", password, text)


def firebase(password: str, salt: bytes, separator: bytes, signer: bytes, memory: int, rounds: int) -> bytes:
    """https://github.com/firebase/scrypt: the signer key under AES-256-CTR by what scrypt makes of the password."""
    key = scrypt.hash(password.encode(), salt + separator, N=1 << memory, r=rounds, p=1, buflen=32)
    cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return cipher.update(signer) + cipher.finalize()


def of_firebase(password: str, salt: bytes, memory: int) -> None:
    signer = b64decode("jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==")
    separator = b"\x07"
    key = firebase(password, salt, separator, signer, memory, 8)
    text = "$".join(
        ["", "firescrypt", f"ln={memory},r=8,p=1", base64(salt), base64(key), base64(separator), base64(signer)]
    )
    row("firebase scrypt", "scrypt, cryptography", password, text)


def of_pbkdf2(password: str) -> None:
    for name, made_by in [("sha1", pbkdf2_sha1), ("sha256", pbkdf2_sha256), ("sha512", pbkdf2_sha512)]:
        made = made_by.from_string(made_by.using(salt=SALT, rounds=1000).hash(password))
        text = f"$pbkdf2-{name}$i=1000,l={len(made.checksum)}${bare(made.salt)}${bare(made.checksum)}"
        row(f"pbkdf2 {name}", "passlib", password, text)
        key = hashlib.pbkdf2_hmac(name, password.encode(), SALT, 777, 40)
        row(f"pbkdf2 {name}, other length", "OpenSSL", password, f"$pbkdf2-{name}$i=777,l=40${bare(SALT)}${bare(key)}")
    # The names say SHA-2, and SHA-3 is meant.
    for name, digest in [("sha224", digests.SHA3_224()), ("sha384", digests.SHA3_384())]:
        key = PBKDF2HMAC(digest, digest.digest_size, SALT, 500).derive(password.encode())
        text = f"$pbkdf2-{name}$i=500,l={len(key)}${bare(SALT)}${bare(key)}"
        row(f"pbkdf2 {name}", "cryptography", password, text)


def of_digests(password: str) -> None:
    for name, made_by in [("SSHA", ldap_salted_sha1), ("SSHA256", ldap_salted_sha256), ("SSHA512", ldap_salted_sha512)]:
        row(name, "passlib", password, made_by.using(salt=SALT).hash(password))
    before, behind = base64(b"{SALT}{PASSWORD}"), base64(b"{PASSWORD}{SALT}")
    text = django_salted_sha1.using(salt="pepper").hash(password)
    key = bytes.fromhex(text.rsplit("$", 1)[1])
    row("sha1 of Django", "passlib", password, f"$sha1$pf={before}${base64(b'pepper')}${base64(key)}")
    around = base64(b"<{SALT}|{PASSWORD}|{SALT}>")
    for name in ["sha1", "sha256", "sha512"]:
        key = hashlib.new(name, b"<" + SALT + b"|" + password.encode() + b"|" + SALT + b">").digest()
        row(f"{name} with a pattern", "hashlib", password, f"${name}$pf={around}${base64(SALT)}${base64(key)}")
    row("md5", "passlib", password, f"$md5${base64(bytes.fromhex(hex_md5.hash(password)))}")
    text = django_salted_md5.using(salt="pepper").hash(password)
    key = bytes.fromhex(text.rsplit("$", 1)[1])
    row("md5 of Django", "passlib", password, f"$md5$pf={before}${base64(b'pepper')}${base64(key)}")
    key = bytes.fromhex(postgres_md5.hash(password, user="somebody").removeprefix("md5"))
    row("md5 of PostgreSQL", "passlib", password, f"$md5$pf={behind}${base64(b'somebody')}${base64(key)}")


def of_crypt(password: str) -> None:
    text = md5_crypt.using(salt="saltsalt").hash(password)
    row("md5-crypt", "passlib", password, text.replace("$1$", "$md5-crypt$", 1))
    for name, mark, made_by in [("sha256-crypt", "$5$", sha256_crypt), ("sha512-crypt", "$6$", sha512_crypt)]:
        for rounds in [5000, 1000, 7777]:
            text = made_by.using(salt="saltstring012345", rounds=rounds).hash(password)
            row(f"{name} {rounds}", "passlib", password, text.replace(mark, f"${name}$", 1))


def of_hmac(password: str) -> None:
    # OpenSSL has no MD4 any more.
    mac = compile_hmac("md4", KEY)(password.encode()).hex()
    row("hmac md4", "passlib", password, f"$hmac-md4${base64(mac.encode())}${base64(KEY)}")
    for name in ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]:
        mac = hmac.new(KEY, password.encode(), name).hexdigest()
        row(f"hmac {name}", "hmac", password, f"$hmac-{name}${base64(mac.encode())}${base64(KEY)}")


def main() -> None:
    for password in PASSWORDS:
        for made_of in [of_bcrypt, of_argon2, of_scrypt, of_pbkdf2, of_digests, of_crypt, of_hmac]:
            made_of(password)
        of_firebase(password, SALT, 10)
    # All that bcrypt reads.
    of_bcrypt("x" * 72)
    # The example of Firebase itself.
    of_firebase("user1password", b64decode("42xEC+ixf3L2lw=="), 14)
    theirs = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
    assert theirs in ROWS[-1]["hash"], "this is not what Firebase does"
    here = pathlib.Path(__file__).parent / "hashes.json"
    here.write_text(json.dumps(ROWS, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(ROWS)} hashes in {here}")


main()
