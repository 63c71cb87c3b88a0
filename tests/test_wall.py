"""The wall around parsers: nothing but ganbench's errors comes out, and it says why in one line."""

import pytest

from ganbench.errors import GanbenchError, ReferenceError, SourceError
from ganbench.system.wall import reason, wall


@pytest.mark.parametrize(
    "thrown",
    [ValueError("x"), KeyError("k"), RecursionError(), MemoryError(), AssertionError("a\nb"), OSError(5, "I/O error")],
)
def test_every_exception_becomes_the_formats_error(thrown: Exception) -> None:
    with pytest.raises(ReferenceError) as caught, wall(lambda why: ReferenceError(f"r.npz: {why}")):
        raise thrown
    assert caught.value.__cause__ is thrown
    assert str(caught.value) == f"r.npz: {reason(thrown)}"
    assert "\n" not in str(caught.value)


def test_our_own_errors_and_interrupts_pass_unchanged() -> None:
    own = SourceError("no images")
    with pytest.raises(SourceError) as caught, wall(ReferenceError):
        raise own
    assert caught.value is own
    with pytest.raises(KeyboardInterrupt), wall(GanbenchError):
        raise KeyboardInterrupt


def test_the_reason_is_short_and_names_the_type_where_the_text_does_not_tell() -> None:
    assert reason(KeyError("mu")) == "KeyError: 'mu'"
    assert reason(ValueError("no such key")) == "no such key"
    assert reason(RecursionError()) == "RecursionError"
    assert reason(OSError(28, "No space left on device")) == "No space left on device"
    assert len(reason(ValueError("y" * 5000))) == 200
