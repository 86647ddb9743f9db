"""Published test vectors that several tests use (protocol reference, section 8)."""

from __future__ import annotations

from loxone_exporter.loxone.crypto import HashAlgorithm, SessionKey


# Protocol reference, section 8.3.
GO_KEY = SessionKey(
    bytes.fromhex("c8afa9a257c1577892d940afa82435550bbcc52bc2ff9d49d1c6aea5a71bf4a8"),
    bytes.fromhex("a74b457d12e5c00520292ca83b03aac3"),
)
KEY_EXCHANGE_KEY = SessionKey(
    bytes.fromhex("d40c5b075527237ef57b63fd76ab4695166a92330742cf6c3dfe4bcac39c39af"),
    bytes.fromhex("e2df1e834912cac10d237062aa024cc5"),
)
ANSWER_KEY = SessionKey(
    bytes.fromhex("307828077baa0961a0333a607efc2225de69b30d07e0d6b7ff872aab4265d7f3"),
    bytes.fromhex("b1d6400c44a40a09aa11b98bbce5bff7"),
)
# Section 8.5.
LOGIN_KEY = SessionKey(bytes(range(32)), bytes(range(0xA0, 0xB0)))
ONE_TIME_KEY = "30313233343536373839414243444546303132333435363738394142434445463031323334353637"
LOGIN_HASH = "1d03bdda74c178d98d41b1e81cc63cee73a943cec67d8f311ed7f3971ccac038"

# Section 8.4.
GO_HMAC_KEY = "33323346364341453435414635323433344239343045334230344143334133304443434544304538"
GO_LOGIN_KEY = "46324345453737334642443534343439313744394535313539443642424436373144323532423246"
KT_KEY = "32353930373135363644424636333638334131414441394243393939343834303141324531413045"
KT_SALT = "31346632393637342D303239312D323837622D66666666613532346235633538306662"
LB_KEY = "0123456789abcdef" * 4
TOKEN = "8E2AA590E996B321C0E17C3FA9F7A3C17BD376CC"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJleHBvcnRlciJ9.c2ln"

KEYED_HASHES: list[tuple[str, str, HashAlgorithm, str]] = [
    (
        "user:29798721D364CF650CC24C3C2B8F6CF5F73C204C",
        GO_HMAC_KEY,
        "SHA1",
        "e3f9c5020c414d7601ae2b44d329bd97d9bb5b8c",
    ),
    (
        "user:29798721D364CF650CC24C3C2B8F6CF5F73C204C",
        GO_HMAC_KEY,
        "SHA256",
        "bda3b7e89b0bf04c952681fb8bdfcbde5ee7b24c44eda18e925624f317abbb97",
    ),
    (
        "tokTESTVALUE123",
        LB_KEY,
        "SHA256",
        "3b50109633af4140485302f72bd8a2734950286ca29a4633ef6c54376540bd69",
    ),
    ("tokTESTVALUE123", LB_KEY, "SHA1", "d6cb4b3ad89b3e8fc26d79b0451d306e88920aab"),
    (TOKEN, KT_KEY, "SHA1", "d808a89059d5573a873600ea735e21ea485ef593"),
    (
        TOKEN,
        KT_KEY,
        "SHA256",
        "e4c2e5eca66f706633597e60cd382de17f2e70aef75a29ea66f1bd2ef5b71f0d",
    ),
    # Section 8.5.
    (
        JWT,
        ONE_TIME_KEY,
        "SHA256",
        "caf85c574ea073aae02997cd35a149f3b18e29c9ce57fe1cc1c16fd5889158f0",
    ),
    (JWT, ONE_TIME_KEY, "SHA1", "cf32dc96211c47094d0c1ea893747ee76f4ab673"),
]
