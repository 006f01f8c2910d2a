"""TLS settings in, arguments of the servers out; what cannot be meant is refused by name."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sriov_core.errors import SpecError
from sriov_operator.tlsoptions import (
    CURVES,
    TlsOptions,
    TlsSettings,
    arguments,
    curve_names,
    curve_numbers,
    curves_by_number,
    proxy_arguments,
    tls_options,
)

AES128 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
AES256 = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
CHACHA = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"

CIPHERS = {
    "none": ("", ()),
    "blanks-only": (" , ,", ()),
    "one-iana": (AES128, (AES128,)),
    "two-iana-in-their-order": (f"{CHACHA},{AES128}", (CHACHA, AES128)),
    "openssl": ("ECDHE-RSA-AES128-GCM-SHA256", (AES128,)),
    "mixed": (f"ECDHE-ECDSA-AES256-GCM-SHA384,{AES128}", (AES256, AES128)),
    "blanks-around": (f" {AES128} , ECDHE-RSA-CHACHA20-POLY1305 ", (AES128, CHACHA)),
    "one-suite-by-both-names": (f"{AES128},ECDHE-RSA-AES128-GCM-SHA256", (AES128,)),
    "tls-1.3": (
        "TLS_AES_128_GCM_SHA256,TLS_CHACHA20_POLY1305_SHA256",
        ("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    ),
    "cbc-with-sha1-and-ecdhe-is-offered": ("ECDHE-RSA-AES256-SHA", ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",)),
    "insecure-among-secure": (f"AES128-SHA,{AES128}", (AES128,)),
    "only-insecure": ("TLS_RSA_WITH_RC4_128_SHA,DES-CBC3-SHA", ()),
}


@pytest.mark.parametrize(("text", "suites"), CIPHERS.values(), ids=CIPHERS)
def test_cipher_suites_by_either_name_become_iana_names(text: str, suites: tuple[str, ...]) -> None:
    assert tls_options(TlsSettings(cipher_suites=text)).cipher_suites == suites


INSECURE = {
    "rc4": "ECDHE-RSA-RC4-SHA",
    "3des": "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "cbc-with-sha256": "ECDHE-ECDSA-AES128-SHA256",
    "static-rsa-gcm": "AES256-GCM-SHA384",
    "static-rsa-cbc": "TLS_RSA_WITH_AES_256_CBC_SHA",
    "unknown-to-go": "DHE-RSA-AES128-GCM-SHA256",
    "unknown-to-go-by-iana-name": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
}


@pytest.mark.parametrize("name", INSECURE.values(), ids=INSECURE)
def test_what_servers_must_not_or_cannot_offer_is_left_out_with_a_remark(name: str) -> None:
    found = tls_options(TlsSettings(cipher_suites=f"{name},{AES128}"))
    assert found.cipher_suites == (AES128,)
    assert len(found.remarks) == 1
    assert found.remarks[0].startswith("TLS_CIPHER_SUITES: left out, because ")


def test_remarks_name_every_suite_that_was_left_out_and_say_when_none_is_left() -> None:
    assert tls_options(TlsSettings(cipher_suites="RC4-SHA,AES128-SHA,DHE-RSA-AES256-SHA256")).remarks == (
        "TLS_CIPHER_SUITES: left out, because insecure: TLS_RSA_WITH_RC4_128_SHA, TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_CIPHER_SUITES: left out, because unknown to the servers: TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
        "TLS_CIPHER_SUITES: no cipher suite is left, so the servers choose by themselves",
    )


# The longest list that is in use: the profile Old of Mozilla's guideline 5, which OpenShift offers too.
OLD_PROFILE = """
    TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256
    ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384
    ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305
    DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES256-GCM-SHA384 DHE-RSA-CHACHA20-POLY1305
    ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256 ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA
    ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES256-SHA384 ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA
    DHE-RSA-AES128-SHA256 DHE-RSA-AES256-SHA256 AES128-GCM-SHA256 AES256-GCM-SHA384 AES128-SHA256 AES256-SHA256
    AES128-SHA AES256-SHA DES-CBC3-SHA
"""


def test_a_whole_profile_is_understood_and_what_is_left_of_it_is_offered_in_its_order() -> None:
    found = tls_options(TlsSettings(cipher_suites=",".join(OLD_PROFILE.split())))
    assert [suite.removeprefix("TLS_") for suite in found.cipher_suites] == [
        "AES_128_GCM_SHA256",
        "AES_256_GCM_SHA384",
        "CHACHA20_POLY1305_SHA256",
        "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        "ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        "ECDHE_RSA_WITH_AES_256_CBC_SHA",
    ]
    insecure, unknown = (remark.rpartition(": ")[2].split(", ") for remark in found.remarks)
    assert (len(insecure), len(unknown)) == (8, 8)


def test_secure_suites_give_no_remarks() -> None:
    assert tls_options(TlsSettings(cipher_suites=f"{AES128},{AES256}")).remarks == ()


VERSIONS = {
    "none": ("", ""),
    "tls-1.2": ("VersionTLS12", "VersionTLS12"),
    "tls-1.3": ("VersionTLS13", "VersionTLS13"),
    "blanks-around": (" VersionTLS13\n", "VersionTLS13"),
}


@pytest.mark.parametrize(("text", "version"), VERSIONS.values(), ids=VERSIONS)
def test_the_minimal_version(text: str, version: str) -> None:
    assert tls_options(TlsSettings(min_version=text)).min_version == version


CURVE_LISTS = {
    "none": ("", ()),
    "one": ("X25519", (29,)),
    "all-in-their-order": ("X25519MLKEM768,secp521r1,secp384r1,secp256r1,X25519", (4588, 25, 24, 23, 29)),
    "blanks-around": (" X25519 , secp256r1,", (29, 23)),
    "one-twice": ("X25519,secp256r1,X25519", (29, 23)),
}


@pytest.mark.parametrize(("text", "numbers"), CURVE_LISTS.values(), ids=CURVE_LISTS)
def test_curves_become_the_numbers_of_the_registry(text: str, numbers: tuple[int, ...]) -> None:
    assert tls_options(TlsSettings(curve_preferences=text)).curves == numbers
    assert curve_numbers(text) == numbers


BY_NUMBER = {
    "none": ("", ()),
    "in-their-order": ("29,23,24", (29, 23, 24)),
    "blanks-around": (" 29 , 4588,", (29, 4588)),
    "one-twice": ("29,23,029", (29, 23)),
    "without-a-name-here": ("4587,1,65535", (4587, 1, 65535)),
    "leading-zero": ("029", (29,)),
}


@pytest.mark.parametrize(("text", "numbers"), BY_NUMBER.values(), ids=BY_NUMBER)
def test_the_argument_of_the_webhook_takes_any_number_of_a_curve(text: str, numbers: tuple[int, ...]) -> None:
    assert curves_by_number(text) == numbers


NO_NUMBERS = {
    "name": "X25519",
    "zero": "0",
    "negative": "-29",
    "fraction": "2.9",
    "hexadecimal": "0x1d",
    "too-large": "65536",
    "huge": "9" * 50,
    "digits-of-another-script": "\u0662\u0669",
}


@pytest.mark.parametrize("word", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_what_is_no_number_of_a_curve_is_refused_by_name(word: str) -> None:
    with pytest.raises(SpecError, match=re.escape(f"--tls-curve-preferences: {word} is no number of a curve")):
        curves_by_number(f"29,{word}")


def test_every_word_that_is_no_number_of_a_curve_is_told() -> None:
    with pytest.raises(SpecError) as caught:
        curves_by_number("one,29,two", "--curves")
    remedy = "Write numbers from 1 to 65535, as in 29,23,24,25,4588"
    told = [f"--curves: {word} is no number of a curve. {remedy}" for word in ("one", "two")]
    assert str(caught.value) == "; ".join(told)


@given(st.lists(st.sampled_from(sorted(CURVES)), unique=True, min_size=1))
@settings(max_examples=50)
def test_the_webhook_understands_the_argument_that_is_rendered_for_it(names: list[str]) -> None:
    (rendered,) = arguments(tls_options(TlsSettings(curve_preferences=",".join(names))))
    assert curve_names(curves_by_number(rendered.removeprefix("--tls-curve-preferences="))) == tuple(names)


def test_a_number_without_a_name_stays_a_number() -> None:
    assert curve_names((29, 4588, 4587)) == ("X25519", "X25519MLKEM768", "4587")


@given(st.lists(st.sampled_from(sorted(CURVES)), unique=True))
@settings(max_examples=50)
def test_curves_go_to_numbers_and_back(names: list[str]) -> None:
    assert curve_names(curve_numbers(",".join(names))) == tuple(names)


REFUSED = {
    "unknown-cipher": (TlsSettings(cipher_suites="BOGUS"), "TLS_CIPHER_SUITES: BOGUS is no cipher suite"),
    "misspelled-cipher": (
        TlsSettings(cipher_suites="ECDHE-RSA-AES128-GCM-SHA255"),
        "Did you mean ECDHE-RSA-AES128-GCM-SHA256?",
    ),
    "cipher-in-another-case": (TlsSettings(cipher_suites=AES128.lower()), f"Did you mean {AES128}?"),
    "openssl-list-with-colons": (TlsSettings(cipher_suites=f"{AES128}:{AES256}"), "Separate the names by commas"),
    "tls-1.0": (TlsSettings(min_version="VersionTLS10"), "found 'VersionTLS10', wanted VersionTLS12 or VersionTLS13"),
    "tls-1.1": (TlsSettings(min_version="VersionTLS11"), "TLS_MIN_VERSION: "),
    "no-version": (TlsSettings(min_version="1.2"), "found '1.2'"),
    "unknown-curve": (TlsSettings(curve_preferences="X25519,curve448"), "TLS_CURVE_PREFERENCES: curve448 is no curve"),
    "curve-by-number": (TlsSettings(curve_preferences="29"), "29 is no curve"),
    "misspelled-curve": (TlsSettings(curve_preferences="secp256k1"), "Did you mean secp256r1?"),
    "control-characters": (TlsSettings(cipher_suites="a\x1b[2J"), r"'a\x1b[2J' is no cipher suite"),
}


@pytest.mark.parametrize(("asked", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_named_with_its_place_and_a_remedy(asked: TlsSettings, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        tls_options(asked)


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        tls_options(TlsSettings(cipher_suites="one,two", min_version="three", curve_preferences="four"))
    for word in ("one", "two", "three", "four"):
        assert word in str(caught.value)


def test_a_curve_by_a_wrong_name_is_refused_wherever_it_is_from() -> None:
    with pytest.raises(SpecError, match="--curves: bogus is no curve"):
        curve_numbers("bogus", "--curves")


ENVIRONMENT = TlsSettings(cipher_suites=AES128, min_version="VersionTLS12", curve_preferences="X25519")


def test_the_environment_counts_when_the_cluster_says_nothing() -> None:
    found = tls_options(ENVIRONMENT)
    assert found == TlsOptions(cipher_suites=(AES128,), min_version="VersionTLS12", curves=(29,))


def test_settings_of_the_cluster_replace_all_of_the_environment_even_where_they_are_empty() -> None:
    found = tls_options(ENVIRONMENT, TlsSettings(min_version="VersionTLS13"))
    assert found == TlsOptions(min_version="VersionTLS13")
    assert tls_options(ENVIRONMENT, TlsSettings()) == TlsOptions()


def test_mistakes_in_the_environment_do_not_matter_where_the_cluster_decides() -> None:
    broken = TlsSettings(cipher_suites="bogus", min_version="bogus", curve_preferences="bogus")
    assert tls_options(broken, TlsSettings()) == TlsOptions()


def test_mistakes_and_remarks_name_the_place_in_the_cluster() -> None:
    place = "spec.tlsSecurityProfile.old.minTLSVersion"
    with pytest.raises(SpecError, match=re.escape(f"{place}: found 'VersionTLS10'")):
        tls_options(ENVIRONMENT, TlsSettings(min_version="VersionTLS10", min_version_path=place))
    insecure = TlsSettings(cipher_suites=f"RC4-SHA,{AES128}", cipher_suites_path="ciphers")
    assert tls_options(ENVIRONMENT, insecure).remarks == (
        "ciphers: left out, because insecure: TLS_RSA_WITH_RC4_128_SHA",
    )


RENDERED = {
    "nothing": (TlsSettings(), ()),
    "version-only": (TlsSettings(min_version="VersionTLS13"), ("--tls-min-version=VersionTLS13",)),
    "curves-only": (
        TlsSettings(curve_preferences="X25519,secp256r1,secp384r1"),
        ("--tls-curve-preferences=29,23,24",),
    ),
    "insecure-ciphers-only": (TlsSettings(cipher_suites="RC4-SHA"), ()),
    "everything": (
        TlsSettings(cipher_suites=f"{AES128},{CHACHA}", min_version="VersionTLS12", curve_preferences="X25519"),
        (f"--tls-cipher-suites={AES128},{CHACHA}", "--tls-min-version=VersionTLS12", "--tls-curve-preferences=29"),
    ),
}


@pytest.mark.parametrize(("asked", "rendered"), RENDERED.values(), ids=RENDERED)
def test_arguments_of_the_servers(asked: TlsSettings, rendered: tuple[str, ...]) -> None:
    assert arguments(tls_options(asked)) == rendered


@pytest.mark.parametrize(("asked", "rendered"), RENDERED.values(), ids=RENDERED)
def test_the_proxy_has_the_same_arguments_but_the_curves(asked: TlsSettings, rendered: tuple[str, ...]) -> None:
    without_curves = tuple(one for one in rendered if "curve" not in one)
    assert proxy_arguments(tls_options(asked)) == without_curves


def refusal(asked: TlsSettings) -> str:
    """The text of the refusal, empty when there is none."""
    try:
        tls_options(asked)
    except SpecError as err:
        return str(err)
    return ""


@given(st.text(max_size=40).filter(lambda text: text.replace(",", "").strip()))
@settings(max_examples=100)
def test_text_without_meaning_is_refused_in_a_message_that_can_be_printed(text: str) -> None:
    told = refusal(TlsSettings(cipher_suites=text, min_version=text, curve_preferences=text))
    assert told
    assert told.isprintable()
