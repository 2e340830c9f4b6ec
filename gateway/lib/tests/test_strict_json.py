"""JSON from outside is read strictly, and numbers go out digit for digit."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lib.strict_json import JsonNumber, MalformedJson, check_text, dumps, loads, loads_object

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_back(value):
    assert loads(dumps(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=0, max_value=10**18))
def test_a_decimal_is_written_with_exactly_its_digits(value):
    assert dumps({"a": [value], "b": "x"}) == f'{{"a":[{value:f}],"b":"x"}}'.encode()


def test_text_that_looks_like_the_marks_of_a_decimal_stays_text():
    value = {"a": Decimal("1.10"), "b": r'"\u00005\u0000"', "c": r"\u00007\u0000", "d": '"5"'}

    assert loads(dumps(value)) == value | {"a": "1.10"}
    assert type(loads(dumps(value))["a"]) is JsonNumber


@pytest.mark.parametrize("number", ["1.10", "1e5", "-0", "0.0", "1E400", "9" * 41, "-" + "9" * 60])
def test_numbers_that_are_no_plain_integers_keep_their_text(number):
    found = loads(f'{{"a": {number}}}'.encode())["a"]

    assert (type(found), found) == (JsonNumber, number)


@pytest.mark.parametrize("body", [
    b"", b"x", b"{", b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b"NaN", b"[Infinity]", b"\xff", b"\xef\xbb\xbf{}",
    b'"\\u0000"', b'"\\ud800"', b'{"\\udc00":1}', b"[" * 33 + b"]" * 33, b"[" * 10**6, b'{"a":' * 10**5, b"1 2", b"01",
    b"+1", b".5", b"5.", b"0x1", b"'a'", b'"\t"', b"[1,]", b"tru",
])
def test_what_is_malformed_is_refused(body):
    with pytest.raises(MalformedJson):
        loads(body)


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"a"', b"true"])
def test_a_body_is_an_object(body):
    with pytest.raises(MalformedJson, match="object"):
        loads_object(body)


def test_32_levels_pass():
    assert loads(b"[" * 32 + b"]" * 32)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_is_no_json_is_not_written(value):
    with pytest.raises((TypeError, ValueError)):
        dumps(value)


def test_text_of_any_script_passes():
    check_text("ज़ोया 🙂 \U0010ffff \ue000 \ud7ff")
    with pytest.raises(MalformedJson):
        check_text("a\udfffb")


_RAISED = """
import sys
sys.setrecursionlimit(10**6)
from gateway.lib.strict_json import MalformedJson, loads
for body in (b"[" * 100_000, b'{"a":' * 100_000, b'{"a":"' + b"[" * 100_000 + b'\\\\""}' + b"[" * 100_000):
    try:
        loads(body)
    except MalformedJson as error:
        print(error)
"""


def test_depth_is_seen_before_the_parser_goes_down_whatever_the_interpreter_allows():
    """A chain library raises the recursion limit; the parser would then overflow its stack and end the process."""
    done = subprocess.run([sys.executable, "-c", _RAISED], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "the body is nested more than 32 levels deep\n" * 3)


@pytest.mark.parametrize("body", [
    b'{"a":"' + b"[{" * 1000 + b'"}', b'{"a":"\\"' + b"[" * 1000 + b'"}', b"[" + b"[]," * 1000 + b"[]]",
    b"[" * 32 + b"]" * 32,
])
def test_brackets_in_text_and_side_by_side_are_not_depth(body):
    assert loads(body) == json.loads(body)
