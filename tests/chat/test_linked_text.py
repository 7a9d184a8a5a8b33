"""Law 12: a text may hold links, and nothing else of markup."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.linked_text import LinkedText, segments

TERMS = "https://x.example/terms"


def _hrefs(text: str, *, named: bool = True) -> list[str]:
    return [s.href for s in segments(text, named=named) if s.href]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Our [Terms]({TERMS}).", [("Our ", None), ("Terms", TERMS), (".", None)]),
        (f"See {TERMS}.", [("See ", None), (TERMS, TERMS), (".", None)]),
        (f"({TERMS})", [("(", None), (TERMS, TERMS), (")", None)]),
        ("Ask ada@example.com", [("Ask ", None), ("ada@example.com", "mailto:ada@example.com")]),
        ("[Write](mailto:ada@example.com)", [("Write", "mailto:ada@example.com")]),
        ("", []),
        ("Two\nlines", [("Two\nlines", None)]),
    ],
)
def test_links_are_read_and_the_rest_stays(text: str, expected: list[tuple[str, str | None]]) -> None:
    assert [(s.text, s.href) for s in segments(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "[x](javascript:alert(1))",
        "[x](JavaScript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](\x01javascript:alert(1))",
        "[x](vbscript:x)",
        "[x](data:text/html,hi)",
        "[x](data:image/png;base64,AAAA)",
        "[x](file:///etc/passwd)",
        "[x](tel:+12015550123)",
        "[x](//evil.example)",
        "[x](/settings)",
        "[x](#top)",
        "[x]()",
        "ftp://x.example",
        "//x.example",
        "www.x.example",
        "readme.md",
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_an_address_that_is_not_of_the_web_or_of_mail_is_no_link(text: str, named: bool) -> None:
    assert _hrefs(text, named=named) == []


@pytest.mark.parametrize(
    "text",
    [
        "**bold** _so_ ~~out~~ `code`",
        "# Title",
        "- item\n1. item",
        "> quote",
        "<b>bold</b><script>alert(1)</script>",
        "<a href='x'>x</a>",
        "&amp; &lt;b&gt; &#106;",
        "a\\_b \\[c\\]",
        "| a | b |\n|---|---|",
        "***",
        "![alt][x.png]",
    ],
)
def test_all_other_markup_is_text(text: str) -> None:
    assert segments(text) == (LinkedText(text),)


def test_an_image_is_at_most_a_link() -> None:
    assert segments("![pixel](https://x.example/p.png)") == (
        LinkedText("!"),
        LinkedText("pixel", "https://x.example/p.png"),
    )


def test_a_link_in_a_link_leads_where_it_says() -> None:
    found = segments("[[a](https://a.example)](https://b.example)")
    assert [(s.text, s.href) for s in found if s.href] == [
        ("a", "https://a.example"),
        ("https://b.example", "https://b.example"),
    ]


@pytest.mark.parametrize("text", ["[your bank](https://evil.example)", "[https://good.example](https://evil.example)"])
def test_a_stranger_s_link_shows_where_it_goes(text: str) -> None:
    for segment in segments(text, named=False):
        assert segment.href in {None, segment.text}
    assert "".join(s.text for s in segments(text, named=False)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://xn--pypal-4ve.com/login", "https://xn--pypal-4ve.com/login"),
        ("https://p\u0430ypal.com/login", "https://xn--pypal-4ve.com/login"),
        ("https://me:pw@p\u0430ypal.com:8080/caf\u00e9?q#a", "https://me:pw@xn--pypal-4ve.com:8080/caf\u00e9?q#a"),
        ("ada@p\u0430ypal.com", "ada@xn--pypal-4ve.com"),
        ("mailto:ada@p\u0430ypal.com", "mailto:ada@xn--pypal-4ve.com"),
        ("https://x.example/\u202egro.knab", "https://x.example/gro.knab"),
    ],
)
def test_a_stranger_s_link_looks_like_no_other(text: str, shown: str) -> None:
    assert [s.text for s in segments(text, named=False)] == [shown]


PLAIN = st.text(st.characters(exclude_characters="[]()<>:/@\\&!\x00\r", exclude_categories=["Cs"]), max_size=200)
MARKS = ("[", "]", "(", ")", "](", "<", ">", "!", "\\", "&", "#", ";", "'", '"', " ", "\n", "\t", "\u202e", "%0a")
ADDRESSES = ("javascript:", "data:", "http", "https", "://", "//", "x.example", "mailto:", "ada@b.example", "é")
MARKED = st.lists(st.sampled_from((*MARKS, *ADDRESSES)), max_size=25).map("".join)


@settings(deadline=None)
@given(PLAIN, st.booleans())
def test_a_text_without_links_loses_no_character(text: str, named: bool) -> None:
    assert "".join(s.text for s in segments(text, named=named)) == text


@settings(deadline=None)
@given(st.one_of(st.text(), MARKED), st.booleans())
def test_whatever_is_written_a_link_leads_to_the_web_or_to_mail(text: str, named: bool) -> None:
    for segment in segments(text, named=named):
        assert segment.text
        if segment.href is not None:
            assert urlsplit(segment.href).scheme in {"http", "https", "mailto"}
            assert not any(c.isspace() or c in '<>"' or ord(c) < 32 for c in segment.href)
