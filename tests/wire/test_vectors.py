"""The vectors for other languages are what the kernel says today."""

from tests.wire import vectors


def test_the_file_is_what_the_kernel_makes() -> None:
    remedy = "python -m tests.wire.vectors"
    assert vectors.PATH.read_text("utf-8") == vectors.text(), f"the kernel has changed: {remedy}"
