"""A clinic's own templates say what they like, and can do nothing else."""

import time
from collections.abc import Iterator

import pytest
from jinja2 import DictLoader

from booking_system.notifications.adapters.words import own_templates, sandbox
from booking_system.notifications.adapters.words.sandbox import (
    RenderLimitError,
    environment,
    within_limits,
)
from booking_system.notifications.adapters.words.template_check import (
    LONGEST,
)
from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.application.template_ports import (
    BrokenTemplate,
    OwnTemplates,
    TemplateFault,
)
from booking_system.notifications.domain.message import Kind
from booking_system.shared_kernel.identifiers import ClinicId
from tests.notifications.words.reading import Page
from tests.notifications.words.samples import (
    CLINIC,
    SERVICE,
    an_account_message,
    an_appointment_message,
)

BUILT_IN = TemplateWriter()
IMAGE = "<img src=x>"


class Kept:
    """The templates of one clinic, for one kind and language."""

    def __init__(self, own: OwnTemplates) -> None:
        self._own = own

    def of(self, clinic_id: ClinicId, kind: Kind, language: str) -> OwnTemplates | None:
        wanted = (CLINIC.id, Kind.CONFIRMATION, "en")
        return self._own if (clinic_id, kind, language) == wanted else None


def writer_with(**own: str) -> tuple[TemplateWriter, list[BrokenTemplate]]:
    heard: list[BrokenTemplate] = []
    writer = TemplateWriter(own_templates=Kept(OwnTemplates(**own)), tell_broken=heard.append)
    return writer, heard


def test_a_clinic_says_it_in_its_own_words() -> None:
    writer, heard = writer_with(
        subject="See you on {{ date }}",
        text="Dear {{ name|upper }},\n{% if can_reply %}answer{% else %}call{% endif %}!",
        html="<p>Dear <b>{{ name }}</b></p>",
        sms="See you: {{ short_when }} – {{ clinic_name }}",
    )
    message = an_appointment_message(recipient_name=IMAGE)
    mail = writer.email(message)
    assert mail.subject == "See you on Friday, 27 November 2026"
    assert mail.text == "Dear <IMG SRC=X>,\ncall!\n"
    assert mail.html == "<p>Dear <b>&lt;img src=x&gt;</b></p>"
    assert mail.calendar == BUILT_IN.email(message).calendar
    sms = writer.sms(an_appointment_message())
    assert sms == "See you: Fri, 27 Nov 2026, 14:00 India Standard Time - Example Clinic"
    assert heard == []


def test_a_name_in_html_is_text() -> None:
    writer, _ = writer_with(html="<p>{{ clinic_name }}, {{ doctor }}</p>")
    html = writer.email(an_appointment_message(clinic={"name": IMAGE})).html
    assert html == "<p>&lt;img src=x&gt;, Dr. Asha Rao</p>"


def test_the_rest_is_as_the_program_says_it() -> None:
    writer, heard = writer_with(subject="See you")
    usual, mail = BUILT_IN.email(an_appointment_message()), writer.email(an_appointment_message())
    assert (mail.subject, mail.text, mail.html) == ("See you", usual.text, usual.html)
    assert writer.sms(an_appointment_message()) == BUILT_IN.sms(an_appointment_message())
    assert heard == []


@pytest.mark.parametrize(
    "message",
    [
        an_appointment_message(Kind.REMINDER),
        an_appointment_message(recipient_locale="de"),
        an_account_message(),
    ],
)
def test_other_messages_are_not_touched(message: object) -> None:
    writer, heard = writer_with(subject="{{", sms="{{")
    assert writer.email(message) == BUILT_IN.email(message)  # type: ignore[arg-type]
    assert writer.sms(message) == BUILT_IN.sms(message)  # type: ignore[arg-type]
    assert heard == []


def test_the_layout_may_be_filled_with_other_words() -> None:
    writer, heard = writer_with(
        html='{% extends "mail.html" %}{% block content %}<h1>Please fast</h1>'
        "{{ super() }}<ul>{% for label, value in details %}<li>{{ label }}: {{ value }}</li>"
        "{% endfor %}</ul>{% endblock %}"
    )
    html = writer.email(an_appointment_message()).html
    assert heard == []
    seen = Page(html).text
    assert "Please fast Your appointment is confirmed" in seen
    assert f"For: {SERVICE}" in seen
    assert "12 Hill Road" in seen


LOOP = "{% for a in details %}{% for b in details %}x{% endfor %}{% endfor %}"
DEEP = "(" * 5000 + "1" + ")" * 5000
REFUSED = [
    ("text", "{{ ''.__class__ }}", "getattr"),
    ("text", "{{ ''['__class__'] }}", "getitem"),
    ("text", "{{ name|attr('__class__') }}", "filter"),
    ("text", "{{ name.__class__.__mro__ }}", "getattr"),
    ("text", "{{ name.format }}", "getattr"),
    ("text", "{{ '{0.__class__}'.format(name) }}", "call"),
    ("text", "{{ cycler.__init__.__globals__ }}", "getattr"),
    ("text", "{{ lipsum() }}", "call"),
    ("text", "{{ self.content() }}", "call"),
    ("text", "{{ password }}", "unknown names: password"),
    ("text", "{{ 'x'|nosuchfilter }}", "filter"),
    ("html", "{% block a %}{% endblock %}{% block a %}{% endblock %}", "cannot be read"),
    ("text", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", ""),
    ("text", "{% for a in (1,2,3) %}x{% endfor %}", "for"),
    ("text", "{% for a in name %}x{% endfor %}", "for"),
    ("text", LOOP, "for"),
    ("text", "{% for a in details recursive %}{{ loop(details) }}{% endfor %}", ""),
    ("text", "{{ 'x' * 1000000000 }}", "mul"),
    ("text", "{{ 9 ** 9 ** 9 }}", "pow"),
    ("text", "{{ '%1000000000d' % 1 }}", "mod"),
    ("text", "{{ '{:>1000000000}'.format(1) }}", "call"),
    ("text", "{{ name|center(1000000000) }}", "filter"),
    ("text", "{{ name|replace('', name) }}", "filter"),
    ("text", "{% set ns = namespace(x='a') %}", ""),
    ("text", "{% set x = 'a' %}{{ x }}", "assign"),
    ("text", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", ""),
    ("text", '{% include "mail.html" %}', "include"),
    ("text", '{% import "mail.html" as x %}', "import"),
    ("text", '{% extends "mail.html" %}', "extends"),
    ("html", '{% extends "en/words.toml" %}', "extends"),
    ("html", "{% extends name %}", "extends"),
    ("html", "{{ name|safe }}", "filter"),
    ("html", "{% block a %}{{ self.a() }}{% endblock %}", "call"),
    ("text", "{{ " + DEEP + " }}", "cannot be read"),
    ("text", "{% if %}", "cannot be read in line 1"),
    ("text", "{{ name|nosuchfilter }}", ""),
    ("text", "x" * (LONGEST["text"] + 1), "more than 20000 characters"),
    ("text", "{{ 1 < 'a' }}", "it fails: TypeError"),
    ("text", "  {{ '' }} ", "it says nothing"),
    ("html", "{{ details ~ details ~ details }}" * 300, "it is too long"),
    ("html", "{{ when }}" * 5_000, "too many placeholders"),
    ("sms", "a" * 999, "more than 4 segments"),
    ("html", "<img src=x>", "no <img>"),
    ("html", "<p>{% if name %}<script>alert(1)</script>{% endif %}", "no <script>"),
    ("html", "<scr{{ '' }}ipt>alert(1)</script>", "no <script>"),
    ("html", "<p onclick=alert(1)>", "no onclick="),
    ("html", "<p title={{ duration }} {{ 'on' }}click=x>", "no onclick="),
    ("html", "<svg onload=alert(1)>", "no <svg>"),
    ("html", "<a href='javascript:alert(1)'>x</a>", "links begin"),
    ("html", "<a href=' java&#x09;script:alert(1)'>x</a>", "links begin"),
    ("html", "<table background='https://evil.example/x.png'>", "no background="),
    ("html", "<p style='background:URL (https://evil.example)'>x", "styles load nothing"),
    ("html", "<p style='background:u\\72l(https://evil.example)'>x", "styles load nothing"),
    ("html", "<style>@import 'https://evil.example'</style>", "styles load nothing"),
    ("html", "<!--[if mso]><script>alert(1)</script><![endif]-->x", "conditional"),
    ("html", "<meta http-equiv=refresh content='0;https://evil.example'>", "no http-equiv="),
    ("html", "<form action='https://evil.example'>", "no <form>"),
    ("html", "<?xml version='1.0'?>x", "no <?xml"),
]


@pytest.mark.parametrize(("part", "source", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_work_is_said_otherwise_and_reported(
    part: str, source: str, reason: str
) -> None:
    writer, heard = writer_with(**{part: source})
    before = time.thread_time()
    mail, sms = writer.email(an_appointment_message()), writer.sms(an_appointment_message())
    assert time.thread_time() - before < 1
    assert mail == BUILT_IN.email(an_appointment_message())
    assert sms == BUILT_IN.sms(an_appointment_message())
    (broken,) = heard
    assert (broken.clinic_id, broken.kind, broken.language) == (CLINIC.id, Kind.CONFIRMATION, "en")
    assert broken.part == part
    assert reason in broken.reason
    assert "Priya" not in broken.reason


def test_a_mail_is_whole_in_one_way_or_the_other() -> None:
    writer, heard = writer_with(subject="Hi", text="{{ oops }}", html="<p>Hi</p>", sms="Hi")
    assert writer.email(an_appointment_message()) == BUILT_IN.email(an_appointment_message())
    assert writer.sms(an_appointment_message()) == "Hi"
    assert [one.part for one in heard] == ["text"]


@pytest.mark.parametrize(
    ("part", "source", "made"),
    [
        ("subject", "Hi\r\nBcc: all@example.com", "Hi Bcc: all@example.com"),
        ("subject", "Hi\N{LINE SEPARATOR}\x00Bcc: all@example.com", "Hi Bcc: all@example.com"),
        ("subject", "{{ clinic_name }}", "Hi Bcc: all@example.com"),
        ("sms", "{{ clinic_name }}\n\n!", "Hi Bcc: all@example.com !"),
    ],
)
def test_one_line_stays_one(part: str, source: str, made: str) -> None:
    writer, _ = writer_with(**{part: source})
    message = an_appointment_message(clinic={"name": "Hi\r\nBcc: all@example.com"})
    assert (writer.sms(message) if part == "sms" else writer.email(message).subject) == made


def test_a_preview_says_what_works_and_what_does_not() -> None:
    own = OwnTemplates(subject="See {{ name }}", text="{{ oops }}", sms="Hi {{ clinic_short }}")
    made, refused = BUILT_IN.preview(an_appointment_message(), own)
    assert made == {"subject": "See Priya Sharma", "sms": "Hi Example Clinic"}
    assert refused == [TemplateFault(part="text", reason="it uses unknown names: oops", line=1)]


@pytest.mark.parametrize("source", ["Only once {{ name }}", "Only once {{ oops }}"])
def test_a_template_is_looked_at_once(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    writer, _ = writer_with(subject=source)
    looked = []
    real = own_templates.checked
    monkeypatch.setattr(
        own_templates, "checked", lambda *given: (looked.append(given), real(*given))
    )
    for _ in range(3):
        writer.email(an_appointment_message())
    assert len(looked) == 1


def test_the_sandbox_alone_holds_what_the_check_would_let_through() -> None:
    place = environment(DictLoader({}), is_html=False)
    for source in ("{{ ''.__class__ }}", "{{ x.append(1) }}", "{{ nobody }}"):
        with pytest.raises(Exception, match=r"unsafe|not safely|undefined"):
            place.from_string(source).render(x=[])


def test_rendering_has_a_limit_of_size_and_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    place = environment(DictLoader({}), is_html=False)
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}"
    with pytest.raises(RenderLimitError, match="too long"):
        within_limits(place.from_string(endless).generate())

    def slow() -> Iterator[str]:
        until = time.thread_time() + 1
        while time.thread_time() < until:
            yield ""

    monkeypatch.setattr(sandbox, "SECONDS", 0.02)
    with pytest.raises(RenderLimitError, match="takes too long"):
        within_limits(slow())
