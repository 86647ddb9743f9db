from __future__ import annotations

import base64
import datetime as dt
import re
import ssl

import pytest
from Crypto.PublicKey import RSA
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.crypto import (
    HashAlgorithm,
    HashParameters,
    PrivateKey,
    PublicKey,
    SessionKey,
    decode_base64,
    encode_base64,
    end_of_validity,
    hash_credentials,
    hash_legacy_credentials,
    hash_token,
    strip_padding,
)
from loxone_exporter.simulator.tls import key_certificates, make_certificate
from support.strategies import damaged, is_value_or_protocol_error, write_der
from support.vectors import (
    ANSWER_KEY,
    GO_KEY,
    GO_LOGIN_KEY,
    KEY_EXCHANGE_KEY,
    KEYED_HASHES,
    KT_KEY,
    KT_SALT,
    LB_KEY,
    LOGIN_KEY,
    ONE_TIME_KEY,
)


# Zero bytes up to the block, none where the text fills it: how this program pads.
ZERO_PADDED = [
    pytest.param(
        GO_KEY,
        "salt/d93b/jdev/sys/getkey2/xcid",
        "FqlXx4NrS7XYxddF8kTP1dadaH9FY/MBt9Z1zC/ANqI=",
        id="8.3a",
    ),
    pytest.param(
        GO_KEY,
        "salt/d93b/jdev/sys/getkey2/admin",
        "FqlXx4NrS7XYxddF8kTP1TtoWMH0pUsJdsZMuvVQ1Q8=",
        id="8.3b-aligned",
    ),
    pytest.param(
        GO_KEY,
        "salt/d93b/jdev/sps/enablebinstatusupdate",
        "FqlXx4NrS7XYxddF8kTP1SackKP4PycnyPK7Fp34QQRFpe/6spvn86hfB12G5NEK",
        id="8.3b-subscription",
    ),
    pytest.param(
        GO_KEY,
        "nextSalt/d93b/51ac/jdev/sps/LoxAPPversion3",
        "IAA0AjRiXfsXXwJ/f2J6tzzDXiQ/tt/PyrYw3epzNDp39OZ4srFqGc78mB2rm/0p",
        id="8.3b-nextSalt",
    ),
    pytest.param(
        KEY_EXCHANGE_KEY,
        "32433239333830423730464445364633383735373644454343343838314235393336454633343334",
        "HEA/0hfbBbPFodPQnAr6coXoEytbYpA+aAI10gjY5Op+90vPGGN2F5yKPuwtyfWaX3NVKiVkEhyeK1JiZHldXY6p"
        "pf+L2Ah3YpgPiaCxIfc=",
        id="8.3c-key-exchange",
    ),
    pytest.param(
        ANSWER_KEY,
        '{"LL":{"control":"jdev/sys/getkey2/xcid","code":200,"value":{"key":"'
        "36443338424239373941333733454244443144383246384638323545424545313734333237314231"
        '","salt":"31303532383435312D303137632D303762662D66666666633338393333373436383134"}}}',
        "rJ3XZcwKdfi6A1bK4rvS+KnoeBqBgwEKLUJgNq2UOtG46SCyG1w3Iq/2zs/Bp56oYJ7EYi7YSqLRpLlcBCjvEdnr"
        "z6CfC9OCH29nsY44Zb9gxEO7eepgdPxUGtq5Awkb2L6/"
        "GyWmll6xmGOAdOStkiG1c65T/jnPeMQ6eB3T/0Z+yFwb1TvkgRXJlJThXgkqsDMK6X1mxQfVrxTGEQmJY0NBVLGp"
        "FNNT6IF2liXIRR7PGdCfEuEhkobcZBjNJmIIE6SRk2I3"
        "kZk0VEj87nSKPBA0eZmziIR6PgBZp6FHoXaXtbmhFdIppk03GzL+bfyb",
        id="8.3d-answer",
    ),
    pytest.param(
        LOGIN_KEY,
        ONE_TIME_KEY,
        "922GwCF/EaXQ1if4wzo0+xIS//GvtBpXRSNlWMyZ5iAeTlCSa436vnJMrOW4PbaazePP6IxefNrgX9Gptt8zSDpn"
        "PysfZ5QgouWqKPHBCVc=",
        id="8.5-key-exchange",
    ),
    pytest.param(
        LOGIN_KEY,
        "salt/9f3c/jdev/sys/getkey2/exporter",
        "xBjyfGUZ/54HYCkVa3Bq/q2hl3nW6ET3/qEmO5g8u2gCm6zGjXSYl2tcSj7qs0kT",
        id="8.5-getkey2",
    ),
    pytest.param(
        LOGIN_KEY,
        "salt/9f3c/jdev/sys/getjwt/1d03bdda74c178d98d41b1e81cc63cee73a943cec67d8f311ed7f3971ccac03"
        "8/exporter/4/098802e1-02b4-603c-ffffeee000d80cfd/loxone-exporter",
        "xBjyfGUZ/54HYCkVa3Bq/uqkGHe8lhS9qcQl4N9l/dCR4iozQo3XOQa+H+S/1e9Pbc+0H6/YCQfe8sqVLRXrbR6a"
        "WD+9+UcfR1b1gsQkowWcljA2rLDiNWtDBgU7vkvoMYy2ttyLUzJGYtakPVckOq8Qap3iDgIdQjcaczLMqWooBYk1"
        "7vpWDoNr6qBBg47pwepyaDmOrn1OTo4FFixMbQ==",
        id="8.5-getjwt",
    ),
    pytest.param(
        LOGIN_KEY,
        '{"LL": { "control": "dev/cfg/version", "value": "16.1.11.6", "Code": "200"}}',
        "QIpVNzmTdNMqSUR67tVfCx4jLu72ppb2nNRRxbTZ0EMXJSriBCpBADcD1gxxzhC3bldgTg7gaGS7ukVLiLbA0z0Q"
        "yHgDI2RtKR7Le6WHLFc=",
        id="8.5-answer",
    ),
]

# Quirk 13: other clients pad in other ways, and all of them are understood.
PADDED_OTHERWISE = [
    pytest.param(
        "salt/d93b/jdev/sys/getkey2/xcid",
        bytes(1) + b"\x10" * 16,
        "FqlXx4NrS7XYxddF8kTP1dadaH9FY/MBt9Z1zC/ANqLSvzgSKikCN0UWirqJiI4O",
        id="8.3a-NUL-and-PKCS7",
    ),
    pytest.param(
        "salt/d93b/jdev/sys/getkey2/admin",
        bytes(16),
        "FqlXx4NrS7XYxddF8kTP1TtoWMH0pUsJdsZMuvVQ1Q9cEpcNDWY1BCEMO6BHYb3n",
        id="8.3b-aligned-zero-block",
    ),
    pytest.param(
        "salt/d93b/jdev/sys/getkey2/admin",
        bytes(1) + b"\x0f" * 15,
        "FqlXx4NrS7XYxddF8kTP1TtoWMH0pUsJdsZMuvVQ1Q9akhsQnQ/liHVNjZL8ev3o",
        id="8.3b-aligned-NUL-and-PKCS7",
    ),
]


@pytest.mark.parametrize(("key", "text", "cipher"), ZERO_PADDED)
def test_encryption_vectors(key: SessionKey, text: str, cipher: str) -> None:
    assert cipher == encode_base64(key.encrypt(text.encode()))
    assert text == strip_padding(key.decrypt(decode_base64(cipher))).decode()


@pytest.mark.parametrize(("text", "padding", "cipher"), PADDED_OTHERWISE)
def test_paddings_of_others_are_stripped(text: str, padding: bytes, cipher: str) -> None:
    assert cipher == encode_base64(GO_KEY.encrypt(text.encode() + padding))
    assert text == strip_padding(GO_KEY.decrypt(decode_base64(cipher))).decode()


def test_decryption_keeps_the_padding() -> None:
    _, _, cipher = ZERO_PADDED[5].values
    decrypted = ANSWER_KEY.decrypt(decode_base64(str(cipher)))
    assert (240, bytes(8)) == (len(decrypted), decrypted[232:])


def test_aligned_text_gets_no_padding() -> None:
    assert 32 == len(GO_KEY.encrypt(bytes(32)))
    assert 48 == len(GO_KEY.encrypt(bytes(33)))


@given(text=st.binary(min_size=1, max_size=70).filter(lambda text: b"\0" not in text))
def test_every_text_survives_being_encrypted_and_decrypted(text: bytes) -> None:
    assert text == strip_padding(GO_KEY.decrypt(GO_KEY.encrypt(text)))


@given(cipher=st.binary(max_size=70))
def test_any_bytes_are_decrypted_or_refused(cipher: bytes) -> None:
    assert is_value_or_protocol_error(lambda: GO_KEY.decrypt(cipher))


@pytest.mark.parametrize("length", [0, 1, 15, 17])
def test_part_of_a_block_is_not_decrypted(length: int) -> None:
    with pytest.raises(ProtocolError, match=f"cipher text of {length} bytes"):
        GO_KEY.decrypt(bytes(length))


# Section 8.5: 97 bytes.
def test_exchange_text_of_the_login_vector() -> None:
    text = (
        b"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        b":a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
    )
    assert 97 == len(text)
    assert text == LOGIN_KEY.exchange_text
    assert LOGIN_KEY == SessionKey.from_exchange_text(text)
    assert LOGIN_KEY == SessionKey.from_exchange_text(text.upper())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"00:00",
        LOGIN_KEY.exchange_text + b":00",
        LOGIN_KEY.exchange_text[:64],
        LOGIN_KEY.exchange_text[:-2],
        b"\xff" + LOGIN_KEY.exchange_text[1:],
        b"g" + LOGIN_KEY.exchange_text[1:],
    ],
)
def test_wrong_exchange_texts_are_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError, match="key"):
        SessionKey.from_exchange_text(text)


@given(text=st.binary(max_size=100) | damaged(st.just(LOGIN_KEY.exchange_text)))
def test_any_bytes_are_an_exchange_text_or_refused(text: bytes) -> None:
    assert is_value_or_protocol_error(lambda: SessionKey.from_exchange_text(text))


def test_generated_keys_differ() -> None:
    first, second = SessionKey.generate(), SessionKey.generate()
    assert (32, 16) == (len(first.key), len(first.iv))
    assert first.key != second.key
    assert first.iv != second.iv


LOGINS = [
    pytest.param(
        ("user", "test"),
        HashParameters(
            GO_LOGIN_KEY,
            "31333338623266642D303135342D363463392D66666666353034663934313032343764",
            "SHA1",
        ),
        "F97D8154BF97AEC5FFFCD2F496CA42D94F1A8244",
        "fe64ac92e98486eed980a8a03401ee175bbd51d3",
        id="8.4-GO",
    ),
    pytest.param(
        ("user", "pass"),
        HashParameters(KT_KEY, KT_SALT, "SHA1"),
        "75C4C904ECA6C7BC82B9D65D4C7FA94C3775CBCF",
        "cf72cfeeb893053157bcaee60eaf8a141a34b765",
        id="8.4-KT-SHA1",
    ),
    pytest.param(
        ("user", "pass"),
        HashParameters(KT_KEY, KT_SALT, "SHA256"),
        "CB6EE76C8E5403AA303D353C4F2883700BEF489BDB8412D522C80507DF9394E4",
        "49ea4ce1af1301f478b365fc88c13eba4883bff2d10f4eafcc4613e7b2eed1c0",
        id="8.4-KT-SHA256",
    ),
    # Quirk 14: users and passwords are UTF-8.
    pytest.param(
        ("müller", "pä€ss"),
        HashParameters(KT_KEY, KT_SALT, "SHA256"),
        "AE0FD8A2FA73B094D2237766E8CA5C0D9DD0CF0A77DE4813CD0F80B4D3F08930",
        "5af2b91a3ee8f89009f25beff79bf3aecd50fd0dc2e70b56d5c8ab9999cbcc15",
        id="8.4-UTF-8",
    ),
    pytest.param(
        ("exporter", "S3cret!ä"),
        HashParameters(ONE_TIME_KEY, KT_SALT, "SHA256"),
        "B54C2CF65193DDF0647126E29CC4E5D6B355542684C5565000547D7761F09099",
        "1d03bdda74c178d98d41b1e81cc63cee73a943cec67d8f311ed7f3971ccac038",
        id="8.5",
    ),
]


@pytest.mark.parametrize(("message", "key", "algorithm", "expected"), KEYED_HASHES)
def test_keyed_hash_vectors(
    message: str, key: str, algorithm: HashAlgorithm, expected: str
) -> None:
    assert expected == hash_token(message, key, algorithm)


@pytest.mark.parametrize(("login", "parameters", "password_hash", "expected"), LOGINS)
def test_login_hash_vectors(
    login: tuple[str, str], parameters: HashParameters, password_hash: str, expected: str
) -> None:
    user, password = login
    assert expected == hash_credentials(user, password, parameters)
    assert expected == hash_token(f"{user}:{password_hash}", parameters.key, parameters.algorithm)


def test_login_hash_vector_with_short_salt() -> None:
    expected = "6811aac909afa7d530fd1cf87a28e4a9db15ad4e99eea57b33944319b05a86c5"
    parameters = HashParameters(LB_KEY, "41B0A8F1", "SHA256")
    assert expected == hash_credentials("loxberry", "TestPass!23", parameters)


# Section 8.4: the login of firmware before 9.
def test_legacy_hash_vector() -> None:
    expected = "32fee942994980fcc23f96d9410cb2e62a28d8d8"
    assert expected == hash_legacy_credentials("user", "pass", KT_KEY)


def test_legacy_hash_is_of_utf8() -> None:
    expected = hash_token("müller:pä€ss", KT_KEY, "SHA1")
    assert expected == hash_legacy_credentials("müller", "pä€ss", KT_KEY)


@given(
    user=st.text(max_size=10),
    password=st.text(max_size=10),
    key=st.text(max_size=10) | st.binary(max_size=130).map(bytes.hex),
    salt=st.text(max_size=10),
    algorithm=st.sampled_from(["SHA1", "SHA256"]),
)
def test_any_key_makes_a_hash_or_is_refused(
    user: str, password: str, key: str, salt: str, algorithm: HashAlgorithm
) -> None:
    parameters = HashParameters(key, salt, algorithm)
    assert is_value_or_protocol_error(lambda: hash_credentials(user, password, parameters))
    assert is_value_or_protocol_error(lambda: hash_legacy_credentials(user, password, key))
    assert is_value_or_protocol_error(lambda: hash_token(user, key, algorithm))


def test_case_of_the_salt_counts() -> None:
    upper = HashParameters(KT_KEY, KT_SALT)
    lower = HashParameters(KT_KEY, KT_SALT.lower())
    assert hash_credentials("user", "pass", upper) != hash_credentials("user", "pass", lower)


@pytest.mark.parametrize("key", ["0", "xy", "0x12", "ä"])
def test_one_time_key_must_be_hexadecimal(key: str) -> None:
    with pytest.raises(ProtocolError, match="not hexadecimal"):
        hash_token("token", key, "SHA1")


def test_overlong_one_time_key_is_refused() -> None:
    with pytest.raises(ProtocolError, match="one-time key of 258 digits"):
        hash_credentials("user", "pass", HashParameters("00" * 129, KT_SALT))


def test_secrets_are_not_in_the_repr() -> None:
    shown = repr([LOGIN_KEY, HashParameters(KT_KEY, KT_SALT), PublicKey.parse(BARE_KEY)])
    for secret in (KT_KEY, KT_SALT, r"\x00\x01"):
        assert secret not in shown


# Sizes from section 8.5.
@pytest.mark.parametrize(
    ("bits", "der_length", "text_length"), [(1024, 162, 268), (2048, 294, 444)]
)
def test_rsa_round_trip(bits: int, der_length: int, text_length: int) -> None:
    private_key = PrivateKey.generate(bits)
    text = private_key.public_text
    markers = r"-----BEGIN CERTIFICATE-----(.*)-----END CERTIFICATE-----"
    body = re.fullmatch(markers, text)
    assert body is not None
    assert (der_length, text_length) == (len(base64.b64decode(body[1])), len(text))
    encrypted = PublicKey.parse(text).encrypt(LOGIN_KEY.exchange_text)
    assert bits == 8 * len(encrypted)
    assert {1024: 172, 2048: 344}[bits] == len(encode_base64(encrypted))
    assert LOGIN_KEY.exchange_text == private_key.decrypt(encrypted)


TEST_KEY = PrivateKey.generate(1024)
SIGNING_KEY = rsa.generate_private_key(65537, 2048)


def certificate_of(key: PrivateKey, until: dt.datetime) -> bytes:
    """A certificate for a key, valid until then."""
    markers = r"-----(BEGIN|END) CERTIFICATE-----"
    public_key = serialization.load_der_public_key(
        base64.b64decode(re.sub(markers, "", key.public_text))
    )
    assert isinstance(public_key, rsa.RSAPublicKey)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "miniserver.example")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public_key)
        .serial_number(1)
        .not_valid_before(until - dt.timedelta(seconds=1))
        .not_valid_after(until)
        .sign(SIGNING_KEY, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


# A key of nobody, and the same key in a certificate for nobody.
BARE_KEY = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDmFITccpL68apZ8/OEJGeLQGyycSj4y9lublNVJ40jKcxb/fxaGWZK"
    "3BFP7+q7vUX2B7x8jtxtjMeBRjUNIm/l04zP+mcUIiYW8rnmdKB6WlNznoDbB0gj4+J17L7waxV2itobKJkVOFOZlbaq"
    "TaNeXjtFLhIdt0+4262UtVk43QIDAQAB"
)
CERTIFICATE = (
    "MIICGDCCAYGgAwIBAgIUDi3TKNAOqaPhDIqMIB4oneJxncUwDQYJKoZIhvcNAQELBQAwHTEbMBkGA1UEAwwSbWluaXNl"
    "cnZlci5leGFtcGxlMCAXDTI2MTEyMzIyMDUwOFoYDzIxMjYxMDMwMjIwNTA4WjAdMRswGQYDVQQDDBJtaW5pc2VydmVy"
    "LmV4YW1wbGUwgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGBAOYUhNxykvrxqlnz84QkZ4tAbLJxKPjL2W5uU1UnjSMp"
    "zFv9/FoZZkrcEU/v6ru9RfYHvHyO3G2Mx4FGNQ0ib+XTjM/6ZxQiJhbyueZ0oHpaU3OegNsHSCPj4nXsvvBrFXaK2hso"
    "mRU4U5mVtqpNo15eO0UuEh23T7jbrZS1WTjdAgMBAAGjUzBRMB0GA1UdDgQWBBRmjHTeUCzXymwKInyTcovKsPbd3zAf"
    "BgNVHSMEGDAWgBRmjHTeUCzXymwKInyTcovKsPbd3zAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4GBAHDb"
    "cVhh5WhRW0QGMDGRlu/8F1f7ql14396hb1z7ya5iDqVMM8O14R3Dr1Y8OZ4670ZORlDBNEluPI7SXtC3oaCioh3VaxP7"
    "kDMpML/nTQ/Gb7usWI8+pNFH9gb/7ZVd58A5CTsKCfWKhpjXsmf3fcXM5uTPfaAucg7YwLHC20Ic"
)
ELLIPTIC_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGNGQmGC2HBeoxjougAdSQ+fBiHk44ie1UUUCIPxjHO9B7amx8NNDEFTn"
    "csn07kLvt8GheD/pHHbcDLK2sqQPlg=="
)


# The certificate of another key, for nobody either.
CERTIFICATE_OF_ANOTHER = encode_base64(
    certificate_of(PrivateKey.generate(1024), dt.datetime(2040, 1, 1, tzinfo=dt.UTC))
)
RSA_ENCRYPTION = write_der(0x30, bytes.fromhex("06092a864886f70d0101010500"))


def public_key_info(modulus: int, exponent: int) -> bytes:
    numbers = b"".join(
        write_der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))
        for number in (modulus, exponent)
    )
    return write_der(0x30, RSA_ENCRYPTION + write_der(0x03, b"\0" + write_der(0x30, numbers)))


# Quirk 12.
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BARE_KEY, id="bare"),
        pytest.param(
            f"-----BEGIN CERTIFICATE-----{BARE_KEY}-----END CERTIFICATE-----", id="wrong-label"
        ),
        pytest.param(
            f"-----BEGIN PUBLIC KEY-----\r\n{BARE_KEY[:64]}\r\n{BARE_KEY[64:]}\r\n"
            "-----END PUBLIC KEY-----\r\n",
            id="right-label",
        ),
        pytest.param(
            f"-----BEGIN CERTIFICATE-----\n{CERTIFICATE}\n-----END CERTIFICATE-----\n",
            id="true-certificate",
        ),
        # Section 1.4: the chain of getcertificate, with the Miniserver's own at its end.
        pytest.param(
            f"-----BEGIN CERTIFICATE-----\n{CERTIFICATE_OF_ANOTHER}\n-----END CERTIFICATE-----\n"
            f"-----BEGIN CERTIFICATE-----\n{CERTIFICATE}\n-----END CERTIFICATE-----\n",
            id="chain",
        ),
    ],
)
def test_public_key_in_whatever_wrapping(text: str) -> None:
    assert PublicKey.parse(BARE_KEY) == PublicKey.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN CERTIFICATE----------END CERTIFICATE-----",
        "ä",
        "====",
        BARE_KEY[:-8],
        ELLIPTIC_KEY,
        base64.b64encode(b"ssh-rsa AAAA").decode(),
        base64.b64encode(b"-----BEGIN RSA PRIVATE KEY-----").decode(),
        # A private key of either form: nobody needs to know it, and it takes long to check.
        encode_base64(TEST_KEY._key.export_key("DER")),
        encode_base64(TEST_KEY._key.export_key("DER", pkcs=8)),
        # Sequences that lack what should be in them.
        encode_base64(write_der(0x30, b"")),
        encode_base64(write_der(0x30, write_der(0x30, b"") + write_der(0x03, b""))),
        encode_base64(write_der(0x30, write_der(0x30, b"") * 2 + write_der(0x03, b""))),
        encode_base64(write_der(0x30, RSA_ENCRYPTION + write_der(0x03, b""))),
        encode_base64(write_der(0x30, RSA_ENCRYPTION + write_der(0x03, b"\0\x30\0"))),
        # An exponent that is none.
        encode_base64(public_key_info(2**1023 + 1, 1)),
        encode_base64(public_key_info(-(2**1023), 3)),
    ],
    ids=range(17),
)
def test_what_is_no_rsa_key_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        PublicKey.parse(text)


@pytest.mark.parametrize(
    ("modulus_bits", "exponent"), [(512, 65537), (1023, 65537), (8200, 65537), (1024, 2**300 + 1)]
)
def test_rsa_key_of_odd_size_is_refused(modulus_bits: int, exponent: int) -> None:
    modulus = 2 ** (modulus_bits - 1) + 1
    key = RSA.construct((modulus, exponent), consistency_check=False)
    with pytest.raises(ProtocolError, match=f"RSA key of {modulus_bits} bits"):
        PublicKey.parse(encode_base64(key.export_key("DER")))


@given(
    text=st.text(max_size=40)
    | st.binary(max_size=40).map(encode_base64)
    | damaged(st.just(base64.b64decode(BARE_KEY))).map(encode_base64)
    | damaged(st.just(base64.b64decode(CERTIFICATE))).map(encode_base64)
)
def test_any_text_is_a_usable_public_key_or_refused(text: str) -> None:
    assert is_value_or_protocol_error(
        lambda: PublicKey.parse(text).encrypt(LOGIN_KEY.exchange_text)
    )


# Section 1.4: the chain that a Miniserver sends, and the key that goes with it.
def test_key_in_a_chain_is_that_of_the_miniserver(private_key: PrivateKey) -> None:
    chain = key_certificates(private_key.public_text, "504F94A0BBCC").decode()
    assert 2 == chain.count("BEGIN CERTIFICATE")
    assert PublicKey.parse(private_key.public_text) == PublicKey.parse(chain)


UNTIL = [
    dt.datetime(1999, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
    dt.datetime(2026, 5, 25, 18, 0, 1, tzinfo=dt.UTC),
    dt.datetime(2049, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
    # From here on dates are written in another way.
    dt.datetime(2050, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2126, 10, 30, 22, 5, 8, tzinfo=dt.UTC),
    dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
]


@pytest.mark.parametrize("until", UNTIL, ids=str)
def test_end_of_validity(private_key: PrivateKey, until: dt.datetime) -> None:
    assert until.timestamp() == end_of_validity(certificate_of(private_key, until))


@given(
    until=st.integers(int(UNTIL[0].timestamp()) - 10**9, int(UNTIL[-1].timestamp())).map(
        lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)
    )
)
@settings(max_examples=20)
def test_every_end_of_validity_is_read(until: dt.datetime) -> None:
    assert until.timestamp() == end_of_validity(certificate_of(TEST_KEY, until))


def test_end_of_validity_of_the_simulators_certificates() -> None:
    for expired, days in ((False, 365), (True, -1)):
        certificate = make_certificate("504F94A0BBCC", expired=expired)
        der = ssl.PEM_cert_to_DER_cert(certificate.certificate_pem.decode())
        left = end_of_validity(der) - dt.datetime.now(dt.UTC).timestamp()
        assert days * 86400 == pytest.approx(left, abs=60)


def certificate_of_times(*times: bytes, version: bytes = b"") -> bytes:
    nothing = write_der(0x30, b"")
    fields = version + write_der(0x02, b"\1") + nothing + nothing
    signed = write_der(0x30, fields + write_der(0x30, b"".join(times)) + nothing * 2)
    return write_der(0x30, signed + nothing + write_der(0x03, b"\0"))


BEGIN = write_der(0x17, b"260101000000Z")
VERSION_3 = write_der(0xA0, write_der(0x02, b"\2"))


# RFC 5280, 4.1: a certificate of the first version does not say its version.
@pytest.mark.parametrize("version", [b"", VERSION_3], ids=["first", "third"])
def test_end_of_validity_in_each_version(version: bytes) -> None:
    end = write_der(0x17, b"260525180001Z")
    certificate = certificate_of_times(BEGIN, end, version=version)
    assert UNTIL[1].timestamp() == end_of_validity(certificate)


@pytest.mark.parametrize(
    ("tag", "text", "year"),
    [
        (0x17, "500101000000Z", 1950),
        (0x17, "680101000000Z", 1968),
        (0x17, "990101000000Z", 1999),
        (0x17, "000101000000Z", 2000),
        (0x17, "490101000000Z", 2049),
        (0x18, "19500101000000Z", 1950),
        (0x18, "20500101000000Z", 2050),
    ],
)
def test_century_of_short_years(tag: int, text: str, year: int) -> None:
    certificate = certificate_of_times(BEGIN, write_der(tag, text.encode()))
    expected = dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp()
    assert expected == end_of_validity(certificate)


@pytest.mark.parametrize(
    "certificate",
    [
        b"",
        b"\0" * 20,
        write_der(0x30, b""),
        write_der(0x30, write_der(0x30, b"")),
        write_der(0x30, write_der(0x30, VERSION_3)),
        certificate_of_times(),
        certificate_of_times(BEGIN),
        certificate_of_times(BEGIN, BEGIN, BEGIN),
        certificate_of_times(BEGIN, write_der(0x17, b"")),
        certificate_of_times(BEGIN, write_der(0x17, b"261301000000Z")),
        certificate_of_times(BEGIN, write_der(0x17, b"\xff60101000000Z")),
        certificate_of_times(BEGIN, write_der(0x17, b"20260101000000Z")),
        certificate_of_times(BEGIN, write_der(0x18, b"260101000000Z")),
        certificate_of_times(BEGIN, write_der(0x18, b"00000101000000Z")),
        certificate_of_times(BEGIN, write_der(0x16, b"260101000000Z")),
        certificate_of_times(BEGIN, BEGIN) + b"\0",
        base64.b64decode(BARE_KEY),
    ],
    ids=range(17),
)
def test_what_is_no_certificate_has_no_end(certificate: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"certificate|DER"):
        end_of_validity(certificate)


@given(
    certificate=st.binary(max_size=60)
    | damaged(st.just(base64.b64decode(CERTIFICATE)))
    | damaged(st.just(certificate_of_times(BEGIN, BEGIN)))
    | st.tuples(st.integers(0, 30), st.binary(max_size=20)).map(
        lambda time: certificate_of_times(BEGIN, write_der(*time))
    )
)
def test_any_bytes_are_a_certificate_or_refused(certificate: bytes) -> None:
    assert is_value_or_protocol_error(lambda: end_of_validity(certificate))


@pytest.mark.parametrize("length", [0, 127, 129])
def test_rsa_cipher_text_of_wrong_size_is_refused(private_key: PrivateKey, length: int) -> None:
    message = f"^a cipher text of {length} bytes for a key of 128 bytes$"
    with pytest.raises(ProtocolError, match=message):
        private_key.decrypt(bytes(length))


def test_rsa_cipher_text_for_another_key_is_refused(private_key: PrivateKey) -> None:
    encrypted = PublicKey.parse(BARE_KEY).encrypt(LOGIN_KEY.exchange_text)
    with pytest.raises(ProtocolError):
        private_key.decrypt(encrypted)


@pytest.fixture(scope="module")
def private_key() -> PrivateKey:
    return PrivateKey.generate(1024)


def test_base64_may_have_line_breaks() -> None:
    assert b"Miniserver" == decode_base64(" TWluaXNl\r\ncnZlcg==\n")


@pytest.mark.parametrize("text", ["TQ", "T===", "TQ==TQ==", "T!Q=", "TQ=ä", "_-=="])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError, match="not base64"):
        decode_base64(text)


@given(data=st.binary(max_size=60))
def test_all_bytes_survive_base64(data: bytes) -> None:
    assert data == decode_base64(encode_base64(data))


@given(text=st.text(max_size=30))
def test_any_text_is_base64_or_refused(text: str) -> None:
    assert is_value_or_protocol_error(lambda: decode_base64(text))


def test_a_cipher_text_without_padding_inside_is_refused(private_key: PrivateKey) -> None:
    # The number 1, which every RSA key decrypts to 1.
    with pytest.raises(ProtocolError, match="does not open"):
        private_key.decrypt(bytes(127) + b"\x01")
